local struct = require "struct"

local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
local function all(...)
  local t = {...}
  for i = 1, select("#", ...) do t[i] = type(t[i]) == "string" and "'" .. t[i] .. "'" or tostring(t[i]) end
  return table.concat(t, " ")
end

-- Whole numbers.
same(hex(struct.pack("<bBhHi4I4lLT", -1, 255, -2, 65534, -3, 4294967293, -4, 5, 6)), "ffff" .. "feff" .. "feff" .. "fdffffff" .. "fdffffff" .. "fcffffffffffffff" .. "0500000000000000" .. "0600000000000000")
same(hex(struct.pack(">bBhHi4I4lLT", -1, 255, -2, 65534, -3, 4294967293, -4, 5, 6)), "ffff" .. "fffe" .. "fffe" .. "fffffffd" .. "fffffffd" .. "fffffffffffffffc" .. "0000000000000005" .. "0000000000000006")
same(hex(struct.pack(">iI", 1, 2)), "0000000100000002")
same(hex(struct.pack(">i1i2i3i4i5i6i7i8", 1, 1, 1, 1, 1, 1, 1, 1)), "01" .. "0001" .. "000001" .. "00000001" .. "0000000001" .. "000000000001" .. "00000000000001" .. "0000000000000001")
same(hex(struct.pack("<i3>i3", -2, -2)), "fefffffffffe")
same(hex(struct.pack(">l", 2^53)), "0020000000000000")
same(hex(struct.pack(">l", -2^53)), "ffe0000000000000")
same(hex(struct.pack(">B", "7")), "07")
same(all(struct.unpack("<bBhHi4I4lLT", struct.pack("<bBhHi4I4lLT", -1, 255, -2, 65534, -3, 4294967293, -4, 5, 6))), "-1 255 -2 65534 -3 4294967293 -4 5 6 39")
same(all(struct.unpack(">i3I3", "\255\255\254\255\255\254")), "-2 16777214 7")
same(all(struct.unpack(">i7", "\255\255\255\255\255\255\255")), "-1 8")
same(struct.unpack("<l", struct.pack("<l", -2^53)), -2^53)
same(struct.unpack("<L", struct.pack("<L", 2^53)), 2^53)
struct.pack("b", 128) --> "bad argument #2 to pack (128 does not fit: want -128 to 127)"
struct.pack("b", -129) --> "bad argument #2 to pack (-129 does not fit: want -128 to 127)"
struct.pack("B", -1) --> "bad argument #2 to pack (-1 does not fit: want 0 to 255)"
struct.pack("BB", 1, 256) --> "bad argument #3 to pack (256 does not fit: want 0 to 255)"
struct.pack("h", 2^15) --> "bad argument #2 to pack (32768 does not fit: want -32768 to 32767)"
struct.pack("I3", 2^24) --> "bad argument #2 to pack (16777216 does not fit: want 0 to 16777215)"
struct.pack("i6", 2^47) --> "bad argument #2 to pack (140737488355328 does not fit: want -140737488355328 to 140737488355327)"
struct.pack("l", 2^53 + 2) --> "bad argument #2 to pack (9007199254740994 does not fit: want -9007199254740992 to 9007199254740992)"
struct.pack("L", -1) --> "bad argument #2 to pack (-1 does not fit: want 0 to 9007199254740992)"
struct.pack("i", 1.5) --> "bad argument #2 to pack (1.5 is not a whole number)"
struct.pack("i", 0/0) --> "bad argument #2 to pack (NaN is not a whole number)"
struct.pack("i", 1/0) --> "bad argument #2 to pack (+Inf is not a whole number)"
struct.pack("i") --> "bad argument #2 to pack (number expected, got nil)"
struct.pack("i", {}) --> "bad argument #2 to pack (number expected, got table)"
struct.unpack(">xL", "\0\0\32\0\0\0\0\0\1") --> "bad argument #2 to unpack (the whole number at byte 2 is beyond 2^53: a number does not hold it exactly)"
struct.unpack(">l", "\255\223\255\255\255\255\255\255") --> "bad argument #2 to unpack (the whole number at byte 1 is beyond 2^53: a number does not hold it exactly)"

-- Floats.
same(hex(struct.pack(">fd", 1.5, -2)), "3fc00000" .. "c000000000000000")
same(hex(struct.pack("<fd", 1.5, -2)), "0000c03f" .. "00000000000000c0")
same(all(struct.unpack("<fd", struct.pack("<fd", 0.5, 1e300))), "0.5 1e+300 13")
same(struct.unpack("f", struct.pack("f", 1/0)), 1/0)
same(struct.unpack("f", struct.pack("f", 0/0)), 0/0)
same(struct.unpack("d", struct.pack("d", -1/0)), -1/0)
struct.pack("f", 1e39) --> "bad argument #2 to pack (1e+39 does not fit into 4 bytes)"
struct.pack("d", "x") --> "bad argument #2 to pack (number expected, got string)"

-- Texts.
same(struct.pack("s", "abc"), "abc\0")
same(struct.pack("ss", "", "a"), "\0a\0")
same(struct.pack("cc3", "xyz", "abcdef"), "xabc")
same(struct.pack(">Hc0", 3, "abc"), "\0\3abc")
same(struct.pack("c0c0", "", "a\0b"), "a\0b")
same(struct.pack("s", 12), "12\0")
same(all(struct.unpack("ss", "abc\0\0x")), "'abc' '' 6")
same(all(struct.unpack("cc2", "abcd")), "'a' 'bc' 4")
same(all(struct.unpack(">Hc0B", "\0\3abc\7")), "'abc' 7 7")
same(all(struct.unpack("Bc0", "\0")), "'' 2")
same(all(struct.unpack("<dc0", struct.pack("<dc0", 2, "xy"))), "'xy' 11")
struct.pack("s", "a\0b") --> "bad argument #2 to pack (string contains zeros)"
struct.pack("c3", "ab") --> "bad argument #2 to pack (string too short: 2 bytes, want 3)"
struct.pack("c3") --> "bad argument #2 to pack (string expected, got nil)"
struct.pack("s", true) --> "bad argument #2 to pack (string expected, got boolean)"
struct.unpack("s", "abc") --> "bad argument #2 to unpack (unfinished string in data: no zero from byte 1 on)"
struct.unpack("c3", "ab") --> "bad argument #2 to unpack (data string too short: at byte 1, 3 more are wanted, and there are 2)"
struct.unpack("c0", "ab") --> "format 'c0' needs a previous size"
struct.unpack("c1c0", "1b") --> "format 'c0' needs a previous size"
struct.unpack("bc0", "\255b") --> "format 'c0' needs a previous size, and -1 is none"
struct.unpack("<dc0", struct.pack("<d", 0.5)) --> "format 'c0' needs a previous size, and 0.5 is none"
struct.unpack("<dc0", struct.pack("<d", 0/0)) --> "format 'c0' needs a previous size, and NaN is none"
struct.unpack("<dc0", struct.pack("<d", 1e300)) --> "format 'c0' needs a previous size, and 1e+300 is none"
struct.unpack("Bc0", "\9abc") --> "bad argument #2 to unpack (data string too short: at byte 2, 9 more are wanted, and there are 3)"

-- Zeros and alignment.
same(hex(struct.pack("BxxB", 1, 2)), "01000002")
same(all(struct.unpack("BxB", "\1\9\2")), "1 2 4")
same(hex(struct.pack(">!4BhBi4Bd", 1, 2, 3, 4, 5, 1)), "01000002" .. "03000000" .. "00000004" .. "05000000" .. "3ff0000000000000")
same(hex(struct.pack(">!Bd", 5, 1)), "0500000000000000" .. "3ff0000000000000")
same(hex(struct.pack(">!BsBh", 1, "a", 2, 3)), "01" .. "6100" .. "02" .. "0003")
same(hex(struct.pack(">!2Bi8", 1, 2)), "0100" .. "0000000000000002")
same(hex(struct.pack(">!2Bi3", 1, 2)), "0100" .. "000002")
same(hex(struct.pack(">!8Bi4!1Bi4", 1, 2, 3, 4)), "01000000" .. "00000002" .. "03" .. "00000004")
same(hex(struct.pack("!1024B", 1)), "01")
same(all(struct.unpack(">!4BhBi4", "\1\0\0\2\3\0\0\0\0\0\0\4")), "1 2 3 4 13")
same(all(struct.unpack(">!4i4", "x\0\0\0\0\0\0\7", 2)), "7 9")
struct.pack("!3i", 1) --> "bad argument #1 to pack (alignment '!3' is not a power of 2)"
struct.pack("!0i", 1) --> "bad argument #1 to pack (alignment '!0' is not a power of 2)"
struct.pack("!i3", 1) --> "bad argument #1 to pack (3 bytes, which are no power of 2, cannot be aligned)"
struct.unpack("!Bi", "\1\0\0") --> "bad argument #2 to unpack (data string too short: at byte 2, 3 more are wanted, and there are 2)"

-- Order of bytes.
same(hex(struct.pack("<H>H<H", 1, 1, 1)), "010000010100")
same(struct.pack("=H", 1), struct.pack("H", 1))
same(hex(struct.pack(">H=H", 1, 1)):sub(5), hex(struct.pack("H", 1)))

-- Positions.
same(all(struct.unpack("B", "\1\2\3", 2)), "2 3")
same(all(struct.unpack("", "abc")), "1")
same(all(struct.unpack("", "abc", 4)), "4")
same(all(struct.unpack("B", "\1", nil)), "1 2")
struct.unpack("B", "\1", 2) --> "bad argument #2 to unpack (data string too short: at byte 2, 1 more are wanted, and there are 0)"
struct.unpack("B", "\1", 3) --> "bad argument #3 to unpack (initial position out of string)"
struct.unpack("B", "\1", 0) --> "bad argument #3 to unpack (initial position out of string)"
struct.unpack("B", "\1", -1) --> "bad argument #3 to unpack (initial position out of string)"
struct.unpack("B", "\1", 1.5) --> "bad argument #3 to unpack (initial position out of string)"
struct.unpack("B", "\1", 0/0) --> "bad argument #3 to unpack (initial position out of string)"
struct.unpack("B", nil) --> "bad argument #2 to unpack (string expected, got nil)"

-- Sizes.
same(struct.size(""), 0)
same(struct.size("bBhHiIlLTfdxc c10"), 1 + 1 + 2 + 2 + 4 + 4 + 8 + 8 + 8 + 4 + 8 + 1 + 1 + 10)
same(struct.size("!Bd"), 16)
same(struct.size("i3"), 3)
struct.size("s") --> "bad argument #1 to size (option 's' has no fixed size)"
struct.size("Bc0") --> "bad argument #1 to size (option 'c0' has no fixed size)"
struct.size("c67108864c1") --> "bad argument #1 to size (more than 67108864 bytes)"
struct.size() --> "bad argument #1 to size (string expected, got nil)"

-- What is no format.
struct.pack("q", 1) --> "bad argument #1 to pack (invalid format option 'q')"
struct.pack("B\n", 1) --> "bad argument #1 to pack (invalid format option '\\n')"
struct.pack("3", 1) --> "bad argument #1 to pack (invalid format option '3')"
struct.pack("B2", 1) --> "bad argument #1 to pack (invalid format option '2')"
struct.unpack("i0", "") --> "bad argument #1 to unpack (whole numbers have 1 to 8 bytes, and 'i0' has not)"
struct.unpack("I9", "") --> "bad argument #1 to unpack (whole numbers have 1 to 8 bytes, and 'I9' has not)"
struct.size("i99999999999999999999999999999999") --> "bad argument #1 to size (whole numbers have 1 to 8 bytes, and 'i9999999999999999999' has not)"
struct.size("c67108865") --> "bad argument #1 to size ('c67108865' is longer than 67108864 bytes)"
struct.pack(("x"):rep(65537)) --> "bad argument #1 to pack (format longer than 65536 bytes)"

-- Limits.
same(#struct.pack(("x"):rep(65536)), 65536)
same(select("#", struct.unpack(("B"):rep(32000), ("x"):rep(32000))), 32001)
struct.unpack(("B"):rep(32001), ("x"):rep(32001)) --> "too many results"
local long = ("x"):rep(2^25)
same(#struct.pack("c0c0", long, long), 2^26)
struct.pack("c0c0B", long, long, 1) --> "resulting string too large (struct.pack: at most 67108864 bytes)"
struct.pack("c0s", long, long) --> "resulting string too large (struct.pack: at most 67108864 bytes)"
struct.pack("c33554432c33554432c1", long, long, "x") --> "resulting string too large (struct.pack: at most 67108864 bytes)"
same(struct.pack("B", 1, 2, 3), "\1")
