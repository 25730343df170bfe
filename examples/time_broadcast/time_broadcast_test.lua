-- The clients are those of echo_lapps, which time_broadcast depends on.
local function subscriber()
  local c = connect("/echo_lapps")
  c:request("login", {user = "admin", password = "admin"})
  c:notify(5, "subscribe")
  return c
end

local function tick(second)
  return {cid = 5, message = {("Server time: 2000-01-01 00:%02d:%02d"):format(second / 60, second % 60)}}
end

describe("time_broadcast", function()
  it("tells the time once a second", function()
    local c = subscriber()
    c:expect_nothing()
    for second = 1, 5 do
      advance(1)
      c:expect(tick(second))
      c:expect_nothing()
    end
  end)

  it("goes on for an hour", function()
    local c = subscriber()
    for second = 1, 3600 - 1 do c:expect(tick(second)) end
    expect(os.time()).to_be(946684800 + 3599)
  end)
end)
