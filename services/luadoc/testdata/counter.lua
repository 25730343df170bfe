---@meta counter

--- Counts things, by their names. What is counted is lost when the process ends.
---
--- ```lua
--- counter.add("apples", 2)
--- ```
---@class counter
---@field most integer  how much can be counted
local counter = {}

--- How many names there are.
counter.names = 0

--- What is counted where no name is given.
---@type string?
counter.default = nil

--- Counts more of something. At most 2^53.
---
--- It never waits.
---@generic T: string
---@param name `T`  of what
---@param by? integer  1 by default
---@param mode? string
---| "up"  # the default
---| "down"
---@return integer? n  how many there are; nil where something is wrong
---@return string? why
---@overload fun(name: string, mode: string)
---@nodiscard
function counter.add(name, by, mode) end

--- Waits until something has been counted.
---@async
---@param timeout? number  in seconds; none means no limit
---@param ... string  names
---@return boolean # whether it has
---@see counter.add
function counter:wait(timeout, ...)
end

--- Another spelling of [counter.add](#counteradd). Older.
---@deprecated counter.add does the same
---@param name string
---@return integer
function counter.inc(name) end

--- What is called for each name.
---@alias counter.visitor fun(name: string, n: integer): boolean?

--- How names are sorted.
---@alias counter.order
---| "name"  # as strings are
---| "count"

--- A group of names.
---@class counter.group: counter.base, counter
---@operator len: integer
---@operator add(counter.group): counter.group
---@overload fun(name: string): integer
local group = {}

--- Counts more of something in the group.
---@param self_name string
function group:add(self_name) end

--- What a group can be made with.
---@class counter.base
--- What it is called.
---@field name string
---@field visit? fun(name: string): boolean  called for each name
---@field order? counter.order  the order
---@field [integer] counter.group[]  groups within it

--- Whether anything counts.
---@return boolean
function counts() end

--- All counts.
---@return integer|string ... counts  in the order of the names
function all() end

--- The name of the process.
---@type string
counted_by = nil

--- Removes a file.
---@param path string
---@overload fun(path: string, really: boolean): ...boolean
function os.remove(path) end

return counter
