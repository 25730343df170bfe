local c
before_each(function() c = connect("/said") end)

it("answers", function()
  expect({c:request("add", 1, 2)}).to_equal({3, "sum"})
  expect(c:request("none")).to_be_nil()
  expect(c:request("slow")).to_be("slow")
end)

it("answers with errors", function()
  expect(c:request_error("fail")).to_equal({code = 7, message = "seven", data = {1}})
  expect(c:request_error("nothing").code).to_be(-32601)
  expect(function() c:request("fail") end).to_fail("fail was answered with the error 7: seven")
  expect(function() c:request_error("none") end).to_fail("expected none to be answered with an error, got {}")
end)

it("fails by an error of its own", function()
  expect(c:request_error("add", {}, 1).code).to_be(-32603)
  expect_log("cannot perform add")
end)

it("keeps notifications in order, beside responses", function()
  local d = connect("/said")
  c:notify(1, "listen")
  d:notify(1, "listen")
  expect(c:request("tell", "a")).to_be("told")
  expect(d:request("tell", "b")).to_be("told")
  for _, x in ipairs({c, d}) do
    x:expect({cid = 1, message = {"a"}})
    x:expect({cid = 1, message = {"b"}})
    x:expect_nothing()
  end
end)

it("can be sent nonsense", function()
  c:send({lapps = 2, method = "add"})
  expect(c:receive().error.code).to_be(-32600)
  c:send_binary("\255")
  expect(c:receive().error.code).to_be(-32700)
  c:send("text")
  c:expect_close(1003)
end)

it("is told who connects", function()
  uses_v2 = connect("/clock", {subprotocols = {"v1", "v2"}, headers = {Origin = "https://good.example"}})
  expect(uses_v2.status).to_be(101)
  expect(connect("/clock", {headers = {Origin = "https://bad.example"}}).status).to_be(403)
  expect(function() connect("/clock", {cookies = {}}) end).to_fail("there is no option cookies")
  expect(function() connect("/clock", {remote_addr = "here"}) end).to_fail("remote_addr must be an address and port")
end)

uses("clock")
