---@meta murmur

--- The hash MurmurHash64A, as LAppS's module `murmur` has it: the same text has the same hash
--- in every instance, server and version, so that it names a thing briefly, or spreads things
--- over a number of places.
---
--- ```lua
--- local murmur = require "murmur"
--- murmur.hashstr("abc")          --> 32d82bf8ed3dba39
--- murmur.hashstr(42)             --> 000000000000002a
--- local place = murmur.hashnum(name) % 16
--- ```
---
--- Texts may hold any bytes. The hash of a number is itself; it must be whole and lie between
--- -2^53 and 2^53, and is not that of the text with its digits. A wrong number of arguments
--- (`usage: …`) and an argument of another type are errors.
---
--- Hashes are those of LAppS, but that the digits do not end with a zero byte, and that
--- a text with a zero byte is hashed whole. It is no hash for passwords, signatures or whatever
--- else an enemy gains from: texts of the same hash are easily made.
---@class murmur
local murmur = {}

--- Gives the hash as text.
---@param x string|integer
---@return string digits  16 hexadecimal digits in lower case
function murmur.hashstr(x) end

--- Gives the hash as a number: of its 64 bits the upper 53 are exact, and the others rounded.
--- It is not negative, up to 2^64; a negative number is hashed as the 64 bits that it has in C.
---@param x string|integer
---@return number hash
function murmur.hashnum(x) end

return murmur
