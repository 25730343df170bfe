describe("one", function()
  it("is there", function() end)
  error("in describe")
end)
