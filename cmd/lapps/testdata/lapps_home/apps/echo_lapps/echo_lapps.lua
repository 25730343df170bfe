-- A service of the LAppS protocol as LAppS has it: one onMessage for all messages, with
-- helper modules in the same directory.
echo_lapps = {}
echo_lapps.__index = echo_lapps

maps = require("maps");
methods = require("methods");

echo_lapps["onStart"] = function()
  maps.load();
  bcast:create(1000);
  bcast:create(2000);
  print("echo_lapps::onStart()");
end

echo_lapps["onDisconnect"] = function(handler)
  bcast:unsubscribe(1000, handler);
  bcast:unsubscribe(2000, handler);
  maps.logout(handler);
  print("echo_lapps::onDisconnect()");
end

echo_lapps["onShutdown"] = function()
  print("echo_lapps::onShutdown()");
end

-- msg_type: 1 and 2 are client notifications without and with params, 3 and 4 requests.
echo_lapps["onMessage"] = function(handler, msg_type, message)
  local switch = {
    [1] = function()
      local method = methods.notification[message.method];
      if method ~= nil then method(handler, message.cid); end
      return true;
    end,
    [2] = function()
      methods.fail(handler, -32600, "notifications have no params here");
      return true;
    end,
    [3] = function()
      methods.fail(handler, -32602, "params are wanted");
      return true;
    end,
    [4] = function()
      local method = methods.request[message.method];
      if method ~= nil then return method(handler, message.params); end
      methods.fail(handler, -32601, "No such method: " .. message.method);
      ws:close(handler, 1003, "no such method");
      return true;
    end
  }
  return switch[msg_type]();
end

return echo_lapps
