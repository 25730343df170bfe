local bit = require "bit"

-- What the documentation says.
same(bit.tobit(0xffffffff), -1)
same(bit.tobit(0xffffffff + 1), 0)
same(bit.tobit(2^40 + 1234), 1234)
same(bit.tohex(1), "00000001")
same(bit.tohex(-1), "ffffffff")
same(bit.tohex(0xffffffff), "ffffffff")
same(bit.tohex(-1, -8), "FFFFFFFF")
same(bit.tohex(0x87654321, 4), "4321")
same(bit.tohex(0x87654321, -4), "4321")
same(bit.tohex(0xabcd, -4), "ABCD")
same(bit.rshift(-256, 8), 16777215)
same(bit.arshift(-256, 8), -1)
same(bit.tohex(bit.bswap(0x12345678)), "78563412")
same(bit.bnot(0), -1)
same(bit.bor(0xffffffff), -1)
same(bit.bnot(0) % 2^32, 0xffffffff)

-- Digits.
same(bit.tohex(0x12345678, 1), "8")
same(bit.tohex(0x12345678, 0), "")
same(bit.tohex(0x12345678, 9), "12345678")
same(bit.tohex(0x12345678, 2^31), "12345678")
same(bit.tohex(0x12345678, -2^31), "12345678")
same(bit.tohex(0xfedcba98, nil), "fedcba98")
same(bit.tohex("0xff", "4"), "00ff")

-- Many arguments.
same(bit.band(0x12345678, 0xff), 0x78)
same(bit.band(0x0fff, 0xfff0, 0x00ff), 0x00f0)
same(bit.bor(1, 2, 4, 8), 15)
same(bit.bxor(0xa5a5f0f0, 0xaa55ff00), 0x0ff00ff0)
same(bit.bxor(1, 3, 7, 1, 3), 7)
same(bit.band(7), 7)
do
  local t = {}
  for i = 1, 30000 do t[i] = i end
  same(bit.bxor(unpack(t)), 30000)
end

-- Counts of bits.
same(bit.lshift(1, 0), 1)
same(bit.lshift(1, 31), -2^31)
same(bit.lshift(1, 32), 1)
same(bit.lshift(1, -1), -2^31)
same(bit.rshift(-1, 31), 1)
same(bit.rshift(-1, 0), -1)
same(bit.arshift(-2^31, 31), -1)
same(bit.rol(0x12345678, 12), 0x45678123)
same(bit.ror(0x12345678, 12), 0x67812345)
same(bit.rol(1, 33), 2)
same(bit.ror(1, 33), -2^31)
same(bit.rol(1, 0.5), 1)

-- Numbers of all kinds.
same(bit.tobit(0.5), 0)
same(bit.tobit(1.5), 2)
same(bit.tobit(2.5), 2)
same(bit.tobit(-0.5), 0)
same(bit.tobit(-1.5), -2)
same(bit.tobit(2^31), -2^31)
same(bit.tobit(-2^31 - 1), 2^31 - 1)
same(bit.tobit(2^53 - 1), -1)
same(bit.tobit(2^63 + 2^20 * 2^10), 2^30)
same(bit.tobit(-2^64 - 2^30 * 4096), 0)
same(bit.tobit(1e300), 0)
same(bit.tobit(1/0), 0)
same(bit.tobit(-1/0), 0)
same(bit.tobit(0/0), 0)
same(bit.tobit("12"), 12)
same(bit.tobit(" 0x10 "), 16)
same(tostring(bit.tobit(-0)), "0")

-- No number.
bit.tobit() --> "bad argument #1 to tobit (number expected, got nil)"
bit.tobit("x") --> "bad argument #1 to tobit (number expected, got string)"
bit.bnot({}) --> "bad argument #1 to bnot (number expected, got table)"
bit.bswap(nil) --> "bad argument #1 to bswap (number expected, got nil)"
bit.band() --> "bad argument #1 to band (number expected, got nil)"
bit.band(1, 2, true) --> "bad argument #3 to band (number expected, got boolean)"
bit.bor(1, nil, 3) --> "bad argument #2 to bor (number expected, got nil)"
bit.bxor(1, nil) --> "bad argument #2 to bxor (number expected, got nil)"
bit.lshift(1) --> "bad argument #2 to lshift (number expected, got nil)"
bit.rshift(nil, 1) --> "bad argument #1 to rshift (number expected, got nil)"
bit.arshift(1, print) --> "bad argument #2 to arshift (number expected, got function)"
bit.rol(1, "") --> "bad argument #2 to rol (number expected, got string)"
bit.ror() --> "bad argument #1 to ror (number expected, got nil)"
bit.tohex() --> "bad argument #1 to tohex (number expected, got nil)"
bit.tohex(1, {}) --> "bad argument #2 to tohex (number expected, got table)"
