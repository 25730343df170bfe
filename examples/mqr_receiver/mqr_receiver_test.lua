local pipe = require("mqr").create("testpipe")

describe("mqr_receiver", function()
  it("receives what there is", function()
    for i = 1, 3000 do pipe:post("message " .. i) end
    advance(0)
    expect(#pipe).to_be(0)
  end)

  it("waits for more", function()
    advance(100)
    pipe:post("x")
    advance(0)
    expect(#pipe).to_be(0)
  end)
end)
