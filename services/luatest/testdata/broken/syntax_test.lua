it("is cut off", function(
