-- A raw service as LAppS has it: a global table of the service's name, which is
-- returned, too; all four callbacks; ws:send's result is onMessage's.
echo = {}
echo.__index = echo;

echo["onStart"] = function()
  print("echo::onStart()");
end

echo["onDisconnect"] = function(handler)
  print("echo::onDisconnect()");
end

echo["onShutdown"] = function()
  print("echo::onShutdown()");
end

echo["onMessage"] = function(handler, opcode, message)
  if (message == "close me")
  then
    ws:close(handler, 1000, "as you wish");
    return true;
  end
  local result, errmsg = ws:send(handler, opcode, message);
  if (not result)
  then
    print("echo::onMessage(): " .. errmsg);
  end
  return result;
end

return echo
