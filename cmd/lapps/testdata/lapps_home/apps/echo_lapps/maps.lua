-- What echo_lapps keeps: who may log in, and who has. The keys of maps.keys are handlers.
maps = {}
maps.__index = maps

maps.users = nil
maps.keys = {}

maps["load"] = function()
  maps.users = nljson.decode_file("users.json");
end

maps["authenticate"] = function(user, password)
  local known = nljson.find(maps.users, user);
  return known ~= nil and known == password;
end

maps["login"] = function(handler)
  math.randomseed(os.time());
  local key = math.random(1, 4294967296);
  maps.keys[handler] = key;
  return key;
end

maps["logged_in"] = function(handler, key)
  return maps.keys[handler] ~= nil and maps.keys[handler] == key;
end

maps["logout"] = function(handler)
  maps.keys[handler] = nil;
end

return maps
