uses("mqr_sender")

it("receives as fast as mqr_sender sends", function()
  local pipe = require("mqr").create("testpipe")
  for _ = 1, 60 do
    advance(1.05)
    expect(#pipe).to_be(0)
  end
end)
