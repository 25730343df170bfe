local function join(name) return connect("/counter", {headers = {["X-Name"] = name}}) end

describe("counter", function()
  it("asks for a name", function()
    local c = connect("/counter")
    expect(c.status).to_be(401)
    expect(c.reason).to_match("X%-Name")
  end)

  it("does not admit mallory", function()
    expect(join("mallory").status).to_be(403)
  end)

  it("counts for each connection and each instance", function()
    local ann, bob, cid = join("ann"), join("bob"), join("cid") -- bob has the other instance
    ann:send("x")
    bob:send("x")
    cid:send("x")
    ann:send("x")
    expect(ann:receive()).to_match("^ann: 1 of 1, counter/%d$")
    expect(ann:receive()).to_match("^ann: 2 of 3, counter/%d$")
    expect(bob:receive()).to_match("^bob: 1 of 1, counter/%d$")
    expect(cid:receive()).to_match("^cid: 1 of 2, counter/%d$")
  end)

  it("says goodbye", function()
    local ann = join("ann")
    ann:send("bye")
    ann:expect_close(1000, "goodbye, ann")
  end)
end)
