-- said speaks the LAppS protocol.
local said = {}

said.methods = {
  add = function(_, p) return p[1] + p[2], "sum" end,
  none = function() end,
  fail = function() error({code = 7, message = "seven", data = {1}}) end,
  breaks = function() error("broken") end,
  slow = function() sleep(30) return "slow" end,
  listen = function(h, _, r) bcast:create(r.cid) bcast:subscribe(r.cid, h) end,
  tell = function(h, p) bcast:send(1, {cid = 1, message = p}) return "told" end,
}

function said.onConnect(h, r)
  if r.subprotocol then return {status = 499, reason = r.subprotocol .. " " .. r.remote_addr .. " " .. r.headers.host} end
end

return said
