---@meta bit

--- Operations on the bits of numbers, as LuaJIT's library `bit` has them. It is a global
--- of every service.
---
--- ```lua
--- local flags = message:byte(1)
--- if bit.band(flags, 0x80) ~= 0 then
---   local length = bit.bor(bit.lshift(message:byte(2), 8), message:byte(3))
--- end
--- ```
---
--- Each operation is on 32 bits. An argument is rounded to a whole number (halves to the
--- even one), and the lowest 32 bits of that count, so that `-1` and `0xffffffff` are the
--- same; NaN and infinities are 0. In LuaJIT this holds up to ±2^51, here without limit. A
--- text that is a number is taken as one (`"0xff"`).
---
--- **Results are signed:** from -2^31 to 2^31 - 1. `bit.bnot(0)` is -1, and
--- `bit.bor(0xffffffff)` is -1, too. `x % 2^32` is the unsigned number of a result `x`.
---@class bit
local bit = {}

--- Brings a number into the range of results.
---
--- ```lua
--- bit.tobit(0xffffffff)      --> -1
--- bit.tobit(0xffffffff + 1)  --> 0
--- bit.tobit(2^40 + 1234)     --> 1234
--- ```
---@param x number
---@return integer x
function bit.tobit(x) end

--- Writes the lowest 4 × `n` bits as hexadecimal digits.
---
--- ```lua
--- bit.tohex(1)              --> 00000001
--- bit.tohex(-1)             --> ffffffff
--- bit.tohex(0x87654321, 4)  --> 4321
--- bit.tohex(0xabcd, -4)     --> ABCD
--- ```
---@param x number
---@param n? integer  how many digits: 8 by default, and at most; 0 gives an empty text. Where it is negative there are -n, in capitals
---@return string digits
function bit.tohex(x, n) end

--- Inverts each bit.
---@param x number
---@return integer x
function bit.bnot(x) end

--- And: the bits that are set in all arguments. There must be one at least.
---@param x number
---@param ... number
---@return integer x
function bit.band(x, ...) end

--- Or: the bits that are set in any of the arguments. There must be one at least.
---@param x number
---@param ... number
---@return integer x
function bit.bor(x, ...) end

--- Exclusive or: the bits that are set in an odd number of arguments. There must be one
--- at least.
---@param x number
---@param ... number
---@return integer x
function bit.bxor(x, ...) end

--- Shifts to the left: what comes in is 0.
---@param x number
---@param n number  by how many bits; the lowest 5 bits of it count: 0 to 31
---@return integer x
function bit.lshift(x, n) end

--- Shifts to the right, as unsigned numbers are: what comes in is 0.
---
--- ```lua
--- bit.rshift(-256, 8)   --> 16777215
--- ```
---@param x number
---@param n number  by how many bits; the lowest 5 bits of it count: 0 to 31
---@return integer x
function bit.rshift(x, n) end

--- Shifts to the right, as signed numbers are: what comes in is the highest bit.
---
--- ```lua
--- bit.arshift(-256, 8)  --> -1
--- ```
---@param x number
---@param n number  by how many bits; the lowest 5 bits of it count: 0 to 31
---@return integer x
function bit.arshift(x, n) end

--- Rotates to the left.
---@param x number
---@param n number  by how many bits; the lowest 5 bits of it count: 0 to 31
---@return integer x
function bit.rol(x, n) end

--- Rotates to the right.
---@param x number
---@param n number  by how many bits; the lowest 5 bits of it count: 0 to 31
---@return integer x
function bit.ror(x, n) end

--- Puts the four bytes into the opposite order: between numbers with the lowest byte first
--- and with the highest.
---
--- ```lua
--- bit.tohex(bit.bswap(0x12345678))  --> 78563412
--- ```
---@param x number
---@return integer x
function bit.bswap(x) end

return bit
