expect(1).to_be(2)
