-- quote makes sense of what an exchange sends.
local quote = {}

-- read returns what a message is: "subscribed", the channel and its symbol; "quote", the channel and a
-- table; "error" and why; or "other".
function quote.read(text)
  local m = nljson.decode(text)
  if nljson.typename(m) == "object" then
    if m.event == "subscribed" then return "subscribed", m.chanId, m.symbol end
    if m.event == "error" then return "error", m.msg end
    return "other"
  end
  if nljson.typename(m) ~= "array" or nljson.typename(m[2]) ~= "array" then return "other" end
  local q = m[2]
  return "quote", m[1], {price = q[1], lowest = q[2], change = q[3], highest = q[4]}
end

-- line is a quote for people.
function quote.line(symbol, q)
  return ("%s %.2f (%+.2f %%), %.2f to %.2f"):format(symbol:sub(2), q.price, q.change, q.lowest, q.highest)
end

return quote
