local made = 0
leaked = (leaked or 0) + 1

describe("a group", function()
  before_each(function() made = made + 1 end)
  after_each(function() made = made - 1 end)

  it("is set up", function() expect(made).to_be(1) end)
  it("is set up again", function() expect(made).to_be(1) expect(leaked).to_be(1) end)

  describe("in a group", function()
    local order = {}
    before_each(function() order[#order + 1] = made end)
    it("has both", function() expect(order).to_equal({1}) end)
  end)
end)

describe("expect", function()
  it("compares", function()
    expect(1).to_be(1)
    expect({}).never.to_be({})
    expect({1, {a = "b"}}).to_equal({1, {a = "b"}})
    expect({1}):to_equal({1})
    expect({1}).never.to_equal({1, 2})
    expect(nil).to_be_nil()
    expect(false).never.to_be_nil()
    expect("x").to_be_a("string")
    expect("hello").to_match("^h.*o$")
    expect("hello").never.to_match("^x")
    expect("hello").to_contain("ell")
    expect({1, {2}}).to_contain({2})
    expect({1}).never.to_contain(2)
    expect(error).to_fail()
    expect(function() error("x is bad") end).to_fail("is bad$")
    expect(function() error({code = 7, message = "seven"}) end).to_fail("seven")
    expect(function() end).never.to_fail()
  end)
end)

describe("a connection", function()
  it("is fresh each time", function() local c = connect("/sample") c:send("count") c:expect("1") end)
  it("is fresh each time indeed", function() local c = connect("/sample") c:send("count") c:expect("1") end)

  it("has a status", function()
    expect(connect("/sample").status).to_be(101)
    expect(connect("/nowhere").status).to_be(404)
    expect(connect("/sample", {headers = {["X-Who"] = "mallory"}}).status).to_be(403)
  end)

  it("may be closed within onConnect", function()
    connect("/sample?close"):expect_close(4000, "at once")
  end)

  it("ends", function()
    local c = connect("/sample")
    c:send("close")
    expect({c:expect_close()}).to_equal({4001, "go away"})
    expect(function() c:send("x") end).to_fail("the connection is closed: 4001 go away")
  end)

  it("logs errors, which may be expected", function()
    local c = connect("/sample")
    c:send("fail")
    expect_log("no good")
    c:expect_close(1011)
  end)
end)

it("can require what the service can", function()
  expect(require("helper").answer()).to_be(42)
  expect(require("nljson").encode({1})).to_be("[1]")
end)

it("has the globals that the service has", function()
  expect(bit.band(6, 3)).to_be(2)
  expect(require("bit")).to_be(bit)
end)

it("sees several services", function()
  expect(connect("/clock").status).to_be(101)
end)

uses("clock")

it("has the globals of a service when it requires them", function()
  expect(require("nljson")).to_be(nljson)
end)
