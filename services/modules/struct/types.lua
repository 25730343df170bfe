---@meta struct

--- Binary messages: packs values into bytes, and takes them out again, as the library
--- `struct` of Roberto Ierusalimschy does.
---
--- ```lua
--- local struct = require "struct"
---
--- -- a message: a version, a type, a number of 4 bytes, and a text behind its length
--- local packet = struct.pack(">BBI4 Hc0", 1, 7, 123456, #text, text)
--- local version, kind, number, text, next = struct.unpack(">BBI4 Hc0", packet)
--- ```
---
--- A format is a text of letters, one for each value:
---
--- | letter | stands for |
--- |---|---|
--- | `b`, `B` | a whole number of 1 byte, signed or unsigned |
--- | `h`, `H` | of 2 bytes |
--- | `i[n]`, `I[n]` | of n bytes, from 1 to 8; 4 where there is no n |
--- | `l`, `L`, `T` | of 8 bytes; `T` is unsigned, too |
--- | `f`, `d` | a floating-point number of 4 or 8 bytes (IEEE 754) |
--- | `s` | a text, and a zero behind it |
--- | `c[n]` | a text of n bytes; 1 where there is no n |
--- | `c0` | packing: all of a text, and nothing that tells its length. Unpacking: a text, whose length is the value before; that is not returned |
--- | `x` | a zero, for no value; unpacking leaves out a byte |
--- | `<`, `>`, `=` | from here on numbers begin with their lowest byte, with their highest, or as those of this machine do, which is what a format begins with |
--- | `![n]` | from here on values of more than one byte are aligned: zeros are put before each, until its place from the beginning of the text is a multiple of its size, or of n where that is less. n is a power of 2; 8 where there is none. A format begins with 1. Texts are never aligned |
--- | space | nothing |
---
--- Sizes are the same on all machines. What would not come out as it went in is an error, and
--- not cut: a whole number that does not fit, a fraction for one, a number that is infinite
--- only as an `f`, a zero in an `s`. Whole numbers are exact up to ±2^53, as all
--- numbers of Lua are; of 7 or 8 bytes others are an error in both directions: take a `c8`, or
--- two `I4`, where there may be some.
---
--- A format has up to 65,536 bytes, and what is packed up to 64 MiB.
---@class struct
local struct = {}

--- Packs values.
---
--- ```lua
--- struct.pack("<i2 >i2", 1, 1)   --> "\1\0\0\1"
--- struct.pack("s", "abc")        --> "abc\0"
--- struct.pack("c3", "abcdef")    --> "abc"
--- struct.pack("B", 256)          -- error: bad argument #2 to pack (256 does not fit: want 0 to 255)
--- ```
---@param format string
---@param ... number|string  a value for each letter that stands for one; more are left alone
---@return string bytes
function struct.pack(format, ...) end

--- Unpacks values. It is an error where the text ends too early (`data string too short: …`),
--- and where there are more than 32,000.
---
--- ```lua
--- local a, b, next = struct.unpack("<HH", bytes)
--- local c, after = struct.unpack("<H", bytes, next)
--- ```
---@param format string
---@param s string
---@param i? integer  where to begin; 1 by default
---@return number|string ... values  and behind them, an integer, where in s the next byte is
function struct.unpack(format, s, i) end

--- Counts the bytes of what is packed. A format with `s` or `c0` has no fixed size: that is an
--- error.
---@param format string
---@return integer bytes
function struct.size(format) end

return struct
