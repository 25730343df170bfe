local time = require("time")

it("begins with the year 2000, and has let onStart sleep", function()
  expect(os.date("!%Y-%m-%d %H:%M:%S")).to_be("2000-01-01 02:00:00") -- there are two instances
  expect(os.time()).to_be(946684800 + 7200)
  expect(time.now()).to_be(1000 * os.time())
end)

it("stands still", function()
  local began = time.now()
  for i = 1, 100000 do end
  expect(time.now()).to_be(began)
end)

it("advances", function()
  local began = time.now()
  advance(0.5)
  sleep(1)
  expect(time.now() - began).to_be(1500)
end)

it("goes on by itself to what comes", function()
  local c, began = connect("/clock"), os.time()
  c:send("hour")
  c:expect_nothing(3599)
  c:expect("an hour")
  expect(os.time() - began).to_be(3600)
end)

it("waits no longer than it says", function()
  local c = connect("/clock")
  c:send("hour")
  expect(function() c:receive() end).to_fail("nothing came within 60 s")
  expect(c:receive(4000)).to_be("an hour")
end)

it("has one order", function()
  local c = connect("/clock")
  c:send("order")
  for _, x in ipairs({"0", "a", "b", "c", "d"}) do c:expect(x) end
end)

it("is that of timers", function()
  local c = connect("/clock")
  c:send("every")
  for n = 1, 4 do expect(c:receive()).to_be(n .. " at " .. 3600 - 3600 % 1 + n / 4) end
  c:expect_nothing(10)
end)

it("is that of timeouts", function()
  local c = connect("/clock")
  c:send("timeout")
  c:expect("false timeout 02:00:02")
end)

it("is that of tasks of the test", function()
  local task, c = require("task"), connect("/clock")
  local t = task.spawn(function() return c:receive(4000), time.now() end)
  local began = time.now()
  task.spawn(function() sleep(5) c:send("hour") end)
  local ok, message, at = t:wait()
  expect(message).to_be("an hour")
  expect(at - began).to_be(3605000)
end)
