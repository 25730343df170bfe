-- murmur and pam_auth, as LAppS has them.
hashes = {}
hashes.__index = hashes

hashes["onStart"] = function() end
hashes["onDisconnect"] = function(handler) end
hashes["onShutdown"] = function() end

hashes["onMessage"] = function(handler, opcode, message)
  if (message == "log in")
  then
    return ws:send(handler, opcode, tostring(pam_auth:login("lapps", "nobody", "no password")));
  end
  return ws:send(handler, opcode, murmur.hashstr(message) .. " " .. type(murmur.hashnum(message)));
end

return hashes
