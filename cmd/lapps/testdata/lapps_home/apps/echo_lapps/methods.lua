-- The methods of echo_lapps: those of requests, and those of client notifications, which
-- are not answered.
local maps = require("maps");

local methods = {}
methods.__index = methods

methods["request"] = {}
methods["notification"] = {}

local function fail(handler, code, message)
  local err = nljson.decode('{"status":0,"error":{"code":0,"message":""},"cid":0}');
  err.error.code = code;
  err.error.message = message;
  return ws:send(handler, err);
end

methods["fail"] = fail;

methods.request["login"] = function(handler, params)
  local who = params[1];
  if nljson.typename(params[1]) ~= "object" or nljson.find(who, "user") == nil or nljson.find(who, "password") == nil
  then
    return fail(handler, -32602, "user and password are wanted");
  end
  if not maps.authenticate(who.user, who.password)
  then
    return fail(handler, -32000, "wrong user or password");
  end
  local response = nljson.decode('{"cid":0,"status":1,"result":[{}]}');
  response.result[1].authkey = maps.login(handler);
  return ws:send(handler, response);
end

methods.request["echo"] = function(handler, params)
  if nljson.typename(params[1]) ~= "object" or not maps.logged_in(handler, nljson.find(params[1], "authkey"))
  then
    return fail(handler, -32000, "log in first");
  end
  local response = nljson.decode('{"cid":0,"status":1}');
  response.result = params;
  return ws:send(handler, response);
end

-- survey uses all of nljson, and tells what came of it.
methods.request["survey"] = function(handler, params)
  local told = {};
  local function tell(name, value)
    told[#told + 1] = name .. "=" .. tostring(value);
  end
  local v = nljson.decode('{"name":"x","list":[10,20,30],"deep":{"a":null,"b":[true]},"half":0.5}');
  tell("typenames", nljson.typename(v) .. "," .. nljson.typename(v.list) .. "," .. nljson.typename(nljson.decode("5"))
    .. "," .. nljson.typename(nljson.decode('"5"')) .. "," .. nljson.typename(nljson.decode("true")) .. "," .. nljson.typename(nljson.decode("null")));
  tell("first", v.list[1]);
  tell("found", nljson.find(v, "name"));
  tell("missing", nljson.find(v, "nothing"));
  tell("null", nljson.find(v.deep, "a"));
  tell("empty", tostring(nljson.empty(nljson.decode("{}"))) .. "," .. tostring(nljson.empty(v)) .. "," .. tostring(nljson.empty(nljson.decode("5"))));
  local keys = "";
  nljson.foreach(v, function(key, value) keys = keys .. key .. ";"; end);
  tell("keys", keys);
  local sum = 0;
  nljson.foreach(v.list, function(index, value) sum = sum + index * value; end);
  tell("sum", sum);
  local count = 0;
  nljson.traverse(v, function(key, value) count = count + 1; end);
  tell("count", count);
  tell("erased", nljson.erase(v, "half"));
  tell("erased again", nljson.erase(v, "half"));
  v.list[4] = 40;
  v["table"] = {1, "two", {three = 3}};
  v.text = "a\0b";
  v.yes = true;
  v.deep.b[1] = false;
  v.copy = v.deep;
  v.none = nil;
  tell("encoded", nljson.encode(v));
  tell("compact", nljson.encode_pretty(v.list, 0));
  tell("pretty", nljson.encode_pretty(v.list, 1));
  tell("string", v.list);
  tell("cbor", nljson.encode(nljson.from_cbor(nljson.to_cbor(v.list))));
  tell("bytes", #nljson.to_cbor(v.list));
  local response = nljson.decode('{"cid":0,"status":1,"result":[]}');
  for i = 1, #told do response.result[i] = told[i]; end
  return ws:send(handler, response);
end

-- later answers, and tells something on another channel first.
methods.request["later"] = function(handler, params)
  local oon = nljson.decode('{"cid":7,"status":1,"message":[]}');
  oon.message[1] = "now is " .. os.date("%Y") .. ", " .. time.now();
  ws:send(handler, oon);
  return ws:send(handler, nljson.decode('{"cid":0,"status":1,"result":["later"]}'));
end

methods.notification["subscribe"] = function(handler, cid)
  if cid == 5 then return bcast:subscribe(1000, handler); end
  if cid == 6 then return bcast:subscribe(2000, handler); end
  return fail(handler, -32602, "there is no such channel");
end

methods.notification["unsubscribe"] = function(handler, cid)
  return bcast:unsubscribe(cid == 5 and 1000 or 2000, handler);
end

methods.notification["logout"] = function(handler, cid)
  maps.logout(handler);
  return ws:close(handler, 1000, "bye");
end

return methods
