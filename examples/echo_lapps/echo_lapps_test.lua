local function login(c, user)
  return c:request("login", {user = user, password = user}).authkey
end

describe("echo_lapps", function()
  local c

  before_each(function() c = connect("/echo_lapps") end)

  it("echoes the parameters of who has logged in", function()
    local key = login(c, "admin")
    local first, second = c:request("echo", {authkey = key, n = 1}, {"a", "b"})
    expect(first).to_equal({authkey = key, n = 1})
    expect(second).to_equal({"a", "b"})
  end)

  it("refuses a wrong password", function()
    local e = c:request_error("login", {user = "admin", password = "x"})
    expect(e).to_equal({code = -32000, message = "wrong user or password"})
  end)

  it("refuses the key of another connection", function()
    local key = login(connect("/echo_lapps"), "admin")
    expect(c:request_error("echo", {authkey = key}).code).to_be(-32000)
  end)

  it("knows no other methods", function()
    expect(c:request_error("nonsense").code).to_be(-32601)
  end)

  it("tells who logs in, to who wants to know", function()
    login(c, "admin")
    c:notify(6, "subscribe")
    login(connect("/echo_lapps"), "guest")
    c:expect({cid = 6, message = {"guest has logged in"}})
  end)

  it("tells nothing to who has not logged in", function()
    c:notify(6, "subscribe")
    c:expect({cid = 6, status = 0, error = {code = -32000, message = "log in first"}})
  end)

  it("ends with logout", function()
    c:notify(0, "logout")
    c:expect_close(1000, "logged out")
  end)
end)

describe("users", function()
  local users = require("users")

  it("knows a key until its connection has gone", function()
    local key = users.login(1, "guest", "guest")
    expect(users.known(1, key)).to_be(true)
    users.forget(1)
    expect(users.known(1, key)).to_be(false)
  end)
end)
