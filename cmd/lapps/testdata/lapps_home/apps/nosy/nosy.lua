-- Requires what lies in another service's directory. In LAppS that would be found.
nosy = {}
nosy.__index = nosy

nosy["onStart"] = function() end
nosy["onDisconnect"] = function(handler) end
nosy["onShutdown"] = function() end

nosy["onMessage"] = function(handler, opcode, message)
  if message == "apps" then
    return ws:send(handler, opcode, os.getenv("LAPPS_APPS_DIR"));
  end
  local result, what = pcall(require, message);
  return ws:send(handler, opcode, tostring(result) .. " " .. type(what));
end

return nosy
