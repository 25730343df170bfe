local murmur = require "murmur"

same(murmur.hashstr("abc"), "32d82bf8ed3dba39")
same(#murmur.hashstr(""), 16)
same(murmur.hashnum("abc"), 0x32d82bf8 * 2^32 + 0xed3dba39)
same(murmur.hashstr("a\0b") == murmur.hashstr("a\0c"), false)
same(murmur.hashstr("a\0b") == murmur.hashstr("a"), false)

-- Numbers are their own hashes.
same(murmur.hashstr(42), "000000000000002a")
same(murmur.hashnum(42), 42)
same(murmur.hashstr("42") == murmur.hashstr(42), false)
same(murmur.hashstr(0), "0000000000000000")
same(murmur.hashstr(2^53), "0020000000000000")
same(murmur.hashstr(-1), "ffffffffffffffff")
same(murmur.hashnum(-1), 2^64)

murmur.hashstr() --> "usage: murmur.hashstr(x), where x is a string or a whole number"
murmur.hashstr("a", "b") --> "usage: murmur.hashstr(x), where x is a string or a whole number"
murmur.hashnum() --> "usage: murmur.hashnum(x), where x is a string or a whole number"
murmur.hashstr(nil) --> "bad argument #1 to hashstr (string or number expected, got nil)"
murmur.hashnum({}) --> "bad argument #1 to hashnum (string or number expected, got table)"
murmur.hashstr(true) --> "bad argument #1 to hashstr (string or number expected, got boolean)"
murmur.hashstr(1.5) --> "bad argument #1 to hashstr (must be a whole number, from -2^53 to 2^53)"
murmur.hashstr(2^54) --> "bad argument #1 to hashstr (must be a whole number, from -2^53 to 2^53)"
murmur.hashstr(1/0) --> "bad argument #1 to hashstr (must be a whole number, from -2^53 to 2^53)"
murmur.hashnum(0/0) --> "bad argument #1 to hashnum (must be a whole number, from -2^53 to 2^53)"
