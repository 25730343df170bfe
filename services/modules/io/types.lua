---@meta io

--- Files, as the library `io` of Lua 5.1 has them. It is a global of every service.
---
--- ```lua
--- local f = assert(io.open("data/notes.txt", "a"))
--- f:write(os.date(), " ", text, "\n")
--- f:close()
---
--- for line in io.lines("data/notes.txt") do print(line) end
--- ```
---
--- What a service may reach is granted in its configuration (`grants.files`); by default it is nothing.
--- What is not granted is an error that names the grant. A relative path is relative to the
--- directory of the configuration. Only regular files are opened: no pipes, devices or directories.
---
--- Where the system refuses, functions return nil, why, and the system's number of the error:
--- `nil, "data/notes.txt: no such file or directory", 2`.
---
--- Whatever has to do with the disk waits, but for lines that have been read ahead: others of the
--- instance go on meanwhile, so that a slow disk stops nobody but the handler at hand. In a service with
--- `"execution": "inline"` only tasks may wait. Handlers that use one file take turns, call by
--- call; of an instance four calls are with the system at a time.
---
--- One call reads or writes at most 64 MiB. An instance has at most 256 files open (`too
--- many open files: …`). One that is forgotten is closed some time after it has become garbage, and all
--- are when the instance ends, behind `onShutdown`.
---
--- With grants there are also `os.remove`, `os.rename` (`grants.files`) and `os.getenv` (`grants.environment`).
--- There is no `io.popen`, `io.tmpfile`, `io.read` or `io.write`, and there are no standard files.
---@class io
local io = {}

--- Opens a file.
---
--- | mode | |
--- |---|---|
--- | `r` | for reading; it must be there |
--- | `w` | for writing: it is made, or made empty |
--- | `a` | for writing at the end; it is made where it is not there |
--- | `r+`, `w+`, `a+` | the same, for reading and writing |
---
--- A `b` may follow, and changes nothing.
---@param path string
---@param mode? string  `"r"` by default
---@return io.file? file  nil where the system refuses
---@return string? why
---@return integer? number
function io.open(path, mode) end

--- Iterates over the lines of a file, without their ends. The file is closed at its end. What goes
--- wrong is an error.
---@param path string
---@return fun(): string? iterator
function io.lines(path) end

--- Says what a value is.
---@param v any
---@return "file"|"closed file"|nil kind  nil: it is no file
function io.type(v) end

--- Closes a file: it is `f:close()`.
---@param f io.file
---@return true? ok
---@return string? why
---@return integer? number
function io.close(f) end

--- An open file. To use one that has been closed is an error.
---@class io.file
local f = {}

--- Reads. Each format gives a value; behind one that gives nil nothing more is read. Without formats
--- it reads a line.
---
--- | format | |
--- |---|---|
--- | `"*l"` | a line, without its end; nil at the end of the file |
--- | `"*a"` | all that is left; `""` at the end |
--- | `"*n"` | a decimal number, behind white space; nil where there is none. All that looks like one is read (unlike Lua 5.1) |
--- | a number | so many bytes, or less at the end; nil at the end |
---
--- The asterisk may be left out.
---@param ... string|integer  formats
---@return string|number|nil ... values  nil, why, and a number where the system refuses
function f:read(...) end

--- Iterates over the lines from here on, without their ends. The file stays open. What goes wrong is
--- an error.
---@return fun(): string? iterator
function f:lines() end

--- Writes. All is handed to the system at once.
---@param ... string|number
---@return true? ok  nil where the system refuses
---@return string? why
---@return integer? number
function f:write(...) end

--- Sets where the file is read and written next, and gives the place, in bytes from the beginning.
---@param whence? "set"|"cur"|"end"  what the offset counts from: the beginning, here, or the end; `"cur"` by default
---@param offset? integer  in bytes; 0 by default
---@return integer? place  nil where the system refuses
---@return string? why
---@return integer? number
function f:seek(whence, offset) end

--- Does nothing but tell whether the file is open: what is written is with the system already.
---@return true? ok
---@return string? why
---@return integer? number
function f:flush() end

--- Closes the file.
---@return true? ok
---@return string? why
---@return integer? number
function f:close() end

--- Removes a file.
---@param path string
---@return true? ok  nil where the system refuses
---@return string? why
---@return integer? number
function os.remove(path) end

--- Gives a file another name. Both lie below the same granted directory.
---@param from string
---@param to string
---@return true? ok  nil where the system refuses
---@return string? why
---@return integer? number
function os.rename(from, to) end

--- Gives a variable of the environment.
---@param name string  one that `grants.environment` names; any other is an error
---@return string? value  nil where it is not set
function os.getenv(name) end

return io
