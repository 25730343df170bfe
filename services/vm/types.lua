---@meta sandbox

--- What Lua finds besides modules: Lua 5.1, as far as it reaches nothing outside of the
--- service, and `sleep`.
---
--- | | |
--- |---|---|
--- | base | `assert error getfenv getmetatable ipairs load loadstring next pairs pcall print rawequal rawget rawset require select setfenv setmetatable tonumber tostring type unpack xpcall`, `collectgarbage("count")`, `_G`, `_VERSION` |
--- | `string`, `math`, `coroutine` | Lua 5.1's, but for `string.dump` |
--- | `table` | `concat getn insert maxn pack remove sort unpack` |
--- | `os` | `time clock date difftime`; with grants `remove rename getenv` |
--- | `io` | with grants `open lines type close` |
--- | `package` | `loaded` |
---
--- There is nothing else: no `debug`, no bytecode, no way to the network or the process, and none to
--- the file system but [`io` and `os`](../lua.md#files-and-the-environment).
---
--- Where functions differ from Lua 5.1:
---
--- - `print` writes to the log, a line at level info; of a line 65,536 bytes.
--- - `require("a.b")` loads `a/b.lua` or `a/b/init.lua` of the service's own
---   directory, once for each instance, or gives a module of the server.
--- - `load(chunk [, name [, mode [, env]]])` takes a text, too, and an environment, as Lua 5.2's and LuaJIT's does.
--- - `collectgarbage("count")` is about the whole process. What else it could be told does nothing.
--- - `math.random` is seeded already, in each instance by itself.
--- - `setmetatable` takes tables only. `pairs` and `ipairs` obey `__pairs` and `__ipairs`.
--- - Numbers have all their digits as text: `1e15` is `1000000000000000`, and `0.1 + 0.2` is `0.30000000000000004`, for which
---   Lua 5.1 has 14 digits; `string.format("%.14g", n)` has them here, too. Infinity is `+Inf`, and no number `NaN`.
--- - `"\x41"`, `"\z"`, the base of `math.log` and the separator of `string.rep` are LuaJIT's.
--- - `%s` of `string.format` takes any value, as LuaJIT's does.
--- - `tonumber` takes no `inf`, `nan`, or fractions in hexadecimal, and `-8` in base 16 is -8.
--- - A byte 0 in a pattern or format is a byte like others.
--- - `f:read("*n")` takes the whole word.
--- - A coroutine cannot yield across `pcall`, or a function of a library that has called Lua (`table.sort`, `string.gsub`).
---
--- And some are limited:
---
--- - Calls nest at most 1,024 deep.
--- - A pattern that has looked at more than a million bytes, and 32 times its subject, is "too complex".
--- - A string that a function makes has at most 64 MiB.
--- - A function returns at most 32,000 values.
--- - An array has fewer than 8,388,608 elements: what is assigned beyond does not count for `#t`.
--- - The format of `os.date` has at most 1,024 bytes.

--- Waits. Messages of the connection at hand wait behind it.
--- It ends with the error `cancelled while waiting` where the wait is ended from outside, as
--- [the Lua API](../lua.md#waiting-and-what-goes-on-meanwhile) says. Where the service has to stop it
--- returns at once, and after 10 ms where that was so already.
---@async
---@param seconds number  fractions, too; 0 lets others go on. Negative ones and NaN are errors
---@return boolean whole  false where the service has to stop
function sleep(seconds) end

--- Makes a table of its arguments, nil included, as in Lua 5.2.
---@param ... any
---@return table packed  the arguments from 1 on, and `n`, how many there are
function table.pack(...) end

--- Is the global `unpack`, as in Lua 5.2. It returns at most 32,000 values.
---@param list table
---@param i? integer  the first; 1 by default
---@param j? integer  the last; `#list` by default
---@return any ...
function table.unpack(list, i, j) end
