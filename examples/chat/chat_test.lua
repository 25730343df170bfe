local function named(name)
  local c = connect("/chat")
  expect(c:request("name", name)).to_be(name)
  return c
end

-- said is the notification that comes when somebody has said something.
local function said(room, cid, from, text)
  return {cid = cid, message = {{room = room, from = from, text = text}}}
end

describe("chat", function()
  local ann, bob

  before_each(function() ann, bob = named("ann"), named("bob") end)

  it("has rooms", function()
    expect(ann:request("rooms")).to_equal({lobby = 3001, lua = 3002, cats = 3003})
  end)

  it("tells a room what is said in it, and who comes and goes", function()
    expect(ann:request("join", "cats")).to_be(3003)
    ann:expect(said("cats", 3003, "ann", "has joined"))
    bob:request("join", "cats")
    ann:expect(said("cats", 3003, "bob", "has joined"))
    bob:expect(said("cats", 3003, "bob", "has joined"))

    bob:request("say", "cats", "meow")
    ann:expect(said("cats", 3003, "bob", "meow"))
    bob:expect(said("cats", 3003, "bob", "meow"))

    bob:close()
    ann:expect(said("cats", 3003, "bob", "has left"))
    ann:expect_nothing()
  end)

  it("tells nobody outside", function()
    ann:request("join", "lua")
    bob:request("join", "cats")
    bob:request("say", "cats", "meow")
    ann:expect(said("lua", 3002, "ann", "has joined"))
    ann:expect_nothing()
  end)

  describe("refuses", function()
    it("a second name", function()
      expect(ann:request_error("name", "eve")).to_equal({code = 3, message = "you are ann already"})
    end)

    it("who has no name", function()
      expect(connect("/chat"):request_error("join", "cats").code).to_be(1)
    end)

    it("a room that there is not", function()
      expect(ann:request_error("join", "dogs")).to_equal({code = 2, message = "there is no such room"})
    end)

    it("who has not joined", function()
      expect(ann:request_error("say", "cats", "meow").code).to_be(4)
    end)

    it("texts that are too long", function()
      ann:request("join", "cats")
      expect(ann:request_error("say", "cats", ("x"):rep(1001)).code).to_be(-32602)
    end)
  end)
end)
