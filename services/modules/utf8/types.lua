---@meta utf8

--- Texts in UTF-8, as the library `utf8` of Lua 5.3 has them. It is a global of every
--- service. Strings of Lua are bytes, and the functions of `string` count bytes; these
--- count characters.
---
--- ```lua
--- for position, code in utf8.codes("Müsli") do print(position, code) end
---
--- utf8.len("Müsli")                       --> 5
--- #"Müsli"                                --> 6
--- local second = utf8.offset("Müsli", 2)  --> 2
--- ("Müsli"):sub(1, second - 1)            --> M
--- utf8.char(77, 252)                      --> Mü
--- ```
---
--- Positions are numbers of bytes, from 1; negative ones count from the end, -1 is the last
--- byte. Code points are from 0 to 0x10FFFF. As in Lua 5.3 surrogates (0xD800 to 0xDFFF) are
--- code points like others, although the standard of UTF-8 has none: a peer that is sent a
--- text message with one closes the connection, so `ws:send` refuses it.
---
--- A number that is not whole is an error: `bad argument #1 to char (number has no integer
--- representation)`.
---@class utf8
---@field charpattern string  `"[\0-\x7F\xC2-\xF4][\x80-\xBF]*"`: a pattern for the functions of `string`, which matches one character of what is UTF-8
local utf8 = {}

--- Makes a text of code points.
---@param ... integer  code points: 0 to 0x10FFFF; any number of them, or none
---@return string text
function utf8.char(...) end

--- Iterates over the characters of a text: the position and the code point of each. It is
--- an error (`invalid UTF-8 code`) where the iteration comes to what is no UTF-8.
---
--- ```lua
--- for position, code in utf8.codes(text) do … end
--- ```
---@param s string
---@return fun(s: string, position: integer): integer?, integer? iterator
---@return string s
---@return integer zero
function utf8.codes(s) end

--- Gives the code points of the characters that begin between two positions. It is an error
--- where there is something else than UTF-8 (`invalid UTF-8 code`), where a position lies
--- outside of the text (`out of range`), or for more than 32,000 (`string slice too long`).
---@param s string
---@param i? integer  the first position; 1 by default
---@param j? integer  the last position; i by default
---@return integer ... codes
function utf8.codepoint(s, i, j) end

--- Counts the characters that begin between two positions. A position outside of the text is
--- an error; i may be one behind its end.
---@param s string
---@param i? integer  the first position; 1 by default
---@param j? integer  the last position; -1, the last byte, by default
---@return integer? count  nil where there is something else than UTF-8
---@return integer? position  of the first byte of that
function utf8.len(s, i, j) end

--- Finds where a character begins. It looks at the bytes between, and does not care whether
--- they are UTF-8.
---
--- ```lua
--- utf8.offset(text, 3)      -- where the third character begins
--- utf8.offset(text, -1)     -- where the last one begins
--- utf8.offset(text, 0, i)   -- where the one begins that the byte i belongs to
--- ```
---@param s string
---@param n integer  which, counted from i: 1 is the one that begins there, -1 the one before, 0 the one that the byte i is a part of
---@param i? integer  from 1 to one behind the end; by default 1 where n is not negative, or else one behind the end. Where n is not 0 no character may be in its midst there (`initial position is a continuation byte`)
---@return integer? position  nil where there is no such character
function utf8.offset(s, n, i) end

return utf8
