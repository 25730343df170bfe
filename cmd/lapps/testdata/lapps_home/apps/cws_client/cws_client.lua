-- A client of the service echo, with callbacks.
cws_client = {}
cws_client.__index = cws_client

cws_client["init"] = function()
  cws_client.echoes = 0;
end

cws_client["run"] = function()
  local sock, err_msg = cws:new("ws://127.0.0.1:5083/echo", {
    onopen = function(handler)
      local result, errstr = cws:send(handler, "ping", 1);
      if not result then print("cws_client::onopen(): " .. errstr); end
    end,
    onmessage = function(handler, data, opcode)
      cws_client.echoes = cws_client.echoes + 1;
      print("cws_client: " .. data .. " " .. opcode);
      if cws_client.echoes < 3 then cws:send(handler, data .. "!", opcode); end
    end,
    onerror = function(handler, message) print("cws_client::onerror(): " .. message); end,
    onclose = function(handler) print("cws_client::onclose()"); end
  });
  if sock == nil then print("cws_client::run(): " .. err_msg); end
  while not must_stop()
  do
    cws:eventLoop();
  end
  if sock ~= nil then sock:close(); end
end

return cws_client
