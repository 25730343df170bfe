uses("said")

it("is called again, after longer and longer pauses", function()
  for run = 1, 3 do expect_log('it will be called again failures=' .. run) advance(2 ^ (run - 1)) end
  expect(os.time()).to_be(946684800 + 7)
  advance(3600)
end)

it("tells who listens", function()
  local c = connect("/said")
  c:notify(1, "listen")
  for run = 2, 4 do c:expect({cid = 1, message = {run, 2 ^ (run - 1) - 1}}) end
  c:expect_nothing(100)
  for run = 1, 3 do expect_log("run " .. run) end
end)
