-- The clients are those of echo_lapps, which broadcast_blob depends on.
local function subscriber()
  local c = connect("/echo_lapps")
  c:request("login", {user = "guest", password = "guest"})
  c:notify(7, "subscribe")
  return c
end

describe("broadcast_blob", function()
  it("sends a blob every five seconds", function()
    local c = subscriber()
    c:expect_nothing(4) -- the first was sent before it came
    for n = 2, 4 do
      local m = c:receive(n == 2 and 1 or 5)
      expect(m.cid).to_be(7)
      expect(m.message[1]).to_be(n)
      expect(#m.message[2]).to_be(300000)
      expect(m.message[2]).to_match("^line     1 of 6000 ")
      expect(m.message[2]).to_match("\nline  6000 of 6000 %.+\n$")
      c:expect_nothing()
    end
  end)

  it("sends the same to all", function()
    local ann, bob = subscriber(), subscriber()
    local m = ann:receive()
    bob:expect(m)
  end)

  it("sends nothing to who has not asked", function()
    local c = connect("/echo_lapps")
    c:request("login", {user = "guest", password = "guest"})
    c:expect_nothing(20)
  end)
end)
