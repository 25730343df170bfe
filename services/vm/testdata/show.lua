function all(iterator)
	local out = {}
	for a, b in iterator do
		out[#out + 1] = tostring(a) .. (b ~= nil and "/" .. tostring(b) or "")
	end
	return table.concat(out, ",")
end

local function text(v)
	if type(v) == "string" then
		local out = {}
		for i = 1, #v do
			local b = v:byte(i)
			out[i] = (b < 32 or b > 126 or b == 92) and ("\\" .. b .. ".") or v:sub(i, i)
		end
		return '"' .. table.concat(out) .. '"'
	end
	if type(v) == "number" and (v ~= v or v == 1/0 or v == -1/0) then
		return v ~= v and "nan" or v > 0 and "inf" or "-inf"
	end
	if type(v) == "table" then
		local out = {}
		for i = 1, #v do out[i] = text(v[i]) end
		return "{" .. table.concat(out, ", ") .. "}"
	end
	return tostring(v)
end

-- show is what an expression gives, as text.
function show(expression)
	local f = loadstring("return " .. expression, "=x")
	if not f then return "does not compile" end
	local function results(ok, ...)
		if not ok then
			local e = tostring((...)):gsub("^[%w.]+:%d+: ", "")
			if e:find("bad argument", 1, true) then e = "bad argument" end
			return "error: " .. e
		end
		local out = {}
		for i = 1, select("#", ...) do out[i] = text((select(i, ...))) end
		return table.concat(out, " ")
	end
	return results(pcall(f))
end
