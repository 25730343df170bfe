---@meta nljson

--- JSON values that are decoded once and looked at without making Lua tables: what
--- `onMessage` gets in the LAppS protocol, and what goes from one instance to another.
--- `nljson` is a global of every service.
---
--- ```lua
--- local v = nljson.decode('{"a": [1, {"b": null}]}')
--- print(v.a[1], v.a[2].b, #v.a)  --> 1  nil  2
--- v.c = {1, 2}                   -- a table is copied, an nljson value shared
--- for k, x in pairs(v) do print(k, x) end  -- in order of the keys' bytes
--- print(v)                       --> {"a":[1,{"b":null}],"c":[1,2]}
--- ```
---
--- Functions are called with a dot (`nljson.size(v)`), and raise an error for a wrong
--- number or type of arguments.
---
--- Objects have strings as keys, arrays numbers from 1. A member that is not there, null,
--- and an index beyond the end are nil; a key of the wrong kind is an error. Assigning nil
--- assigns null. An array may be assigned to up to 1,024 beyond its end; what lies between
--- is null. `==` tells whether two values are the same object or array, or equal scalars.
---
--- Within an instance values are shared: what indexing returns is a part of the whole and
--- changes with it, and the same part is always the same userdata. From one instance to
--- another (module `mqr`) goes a copy, or, where the value is frozen, itself.
---
--- What Lua's values become: numbers that are integral up to 2^53 integers, others floats;
--- strings texts, or bytes where they are not UTF-8; tables arrays, where their keys are
--- positive integers, `{}` included, or objects, where they are strings (both is an error);
--- nil, functions and userdata of others null. Integers stay integers up to 2^64 - 1 within
--- a value, but read as Lua's numbers, which are exact up to 2^53; `5.0` stays a float.
---
--- What is encoded, decoded or copied may be nested 64 deep, and have 4,194,304 items or 64
--- MiB of text; in CBOR 131,072 items. More is an error.
---@class nljson
---@field null nljson.value  null, for a table or where nil is not to be told from it
local nljson = {}

--- An object, an array, or a scalar that has not been taken out of one. Objects and arrays
--- are indexed, assigned to, counted (`#v`) and iterated over (`pairs(v)`,
--- `ipairs(array)`); `tostring(v)` is their JSON.
---@class nljson.value

--- What functions take that need no nljson value.
---@alias nljson.any nljson.value|table|string|number|boolean|nil

--- Makes an array.
---@param t? table  its elements; none, and the array is empty. A table with strings as keys is an error
---@return nljson.value array
function nljson.array(t) end

--- Makes a string of bytes: bytes in CBOR, base64url without padding in JSON.
---@param s string
---@return nljson.value bytes
function nljson.bytes(s) end

--- Makes a copy with all parts, which may be changed whatever the value was. A part that
--- the value has twice the copy has as two. A value that contains itself is an error.
---@param v nljson.value
---@return nljson.value copy
function nljson.copy(v) end

--- Reads a JSON text.
---
--- Errors name the byte: a text that is no JSON or not UTF-8, a key twice in an object, a
--- number that is out of range. An escape of half a surrogate pair (`\ud800` alone) becomes
--- U+FFFD. A long text counts as work of the handler: some million values take its time.
---@param text string
---@return nljson.value v  a scalar's, too
function nljson.decode(text) end

--- Reads a JSON file.
---@param path string  of the service's directory, or else one that its grants let it read (`grants.files`); at most 16 MiB
---@return nljson.value v
function nljson.decode_file(path) end

--- Iterates over an object or array, as `pairs` does: in order of the keys. It goes by the
--- keys of the beginning and passes over what has gone meanwhile.
---@param v nljson.value
---@return function iterator  gives key and value; null is nil
function nljson.each(v) end

--- Whether an object, array or table has nothing in it; false for anything else.
---@param v nljson.any
---@return boolean
function nljson.empty(v) end

--- Writes JSON, in one line, the keys in order of their bytes. NaN and infinities are
--- errors.
---@param v nljson.any
---@return string text  at most 64 MiB
function nljson.encode(v) end

--- Writes JSON for people.
---@param v nljson.any
---@param indent? integer  spaces for each level, 0 to 16; 0 is one line. 2 where it is not given
---@return string text  at most 64 MiB
function nljson.encode_pretty(v, indent) end

--- Removes an element. Those of an array behind it move up.
---@param v nljson.value
---@param key string|number  of an array, from 1
---@return boolean # false: there was none
function nljson.erase(v, key) end

--- Finds an element, and raises no error where nothing can be found.
---@param v nljson.value
---@param key string|number
---@return any # nil where there is none, or null
function nljson.find(v, key) end

--- Calls a function for each element, in order of the keys.
---@param v nljson.value
---@param fn fun(key: string|integer, value: any)
function nljson.foreach(v, fn) end

--- Has a value and all its parts stay as they are, for good: every change of them is an
--- error from now on. It may contain itself. What is frozen goes to other instances without
--- being copied, and may be part of values that are not frozen.
---@param v nljson.value
---@return nljson.value v  the same
function nljson.freeze(v) end

--- Reads CBOR (RFC 8949) as it is in the LAppS protocol.
---@param bytes string
---@return nljson.value v
function nljson.from_cbor(bytes) end

--- Whether a value is frozen; scalars always are.
---@param v nljson.value
---@return boolean
function nljson.frozen(v) end

--- Lists the keys.
---@param v nljson.value
---@return (string|integer)[] keys  in order
function nljson.keys(v) end

--- Makes an object.
---@param t? table  its members; none, and the object is empty. A table with numbers as keys is an error
---@return nljson.value object
function nljson.object(t) end

--- Appends to an array.
---@param array nljson.value
---@param ... any  at least one
---@return integer size  the new one
function nljson.push(array, ...) end

--- Counts members or elements.
---@param v nljson.value|table
---@return integer
function nljson.size(v) end

--- Writes CBOR (RFC 8949), as it is in the LAppS protocol.
---@param v nljson.any
---@return string bytes
function nljson.to_cbor(v) end

--- Makes a copy in Lua tables. null is nil: a hole in an array, and no member at all.
---@param v nljson.any
---@return any # a table, or what a scalar is in Lua
function nljson.totable(v) end

--- Calls a function for all parts of all parts: what a container holds comes before it.
---@param v nljson.value
---@param fn fun(key: string|integer, value: any)
function nljson.traverse(v, fn) end

--- Tells what a value is.
---@param v nljson.any
---@return "object"|"array"|"string"|"number"|"boolean"|"null"
function nljson.typename(v) end

return nljson
