-- ticker follows the prices of an exchange, and prints them. It is a program without clients of its
-- own: it is a client, and connects again where the connection ends.
local cws = require("cws")
local quote = require("quote")

local ticker = {}

local url = os.getenv("TICKER_URL") or "ws://127.0.0.1:5083/exchange"
local symbols = {"tBTCUSD", "tETHUSD"}

-- follow subscribes, and prints what comes until the connection ends. It returns why it has.
local function follow(c)
  for _, symbol in ipairs(symbols) do
    c:send(nljson.encode({event = "subscribe", channel = "ticker", symbol = symbol}))
  end
  local names = {} -- of channels
  for data in c:messages() do
    local kind, channel, what = quote.read(data)
    if kind == "subscribed" then
      names[channel] = what
    elseif kind == "quote" and names[channel] then
      print(quote.line(names[channel], what))
    elseif kind == "error" then
      print("the exchange says: " .. channel)
    end
  end
  local _, why, code, reason = c:recv(0)
  return ("%s %s %s"):format(why, code or "", reason or "")
end

function ticker.run()
  local pause = 1
  while not must_stop() do
    local c, why = cws.connect(url, {timeout = 5})
    if c then
      pause = 1
      why = follow(c)
    end
    if not must_stop() then
      print(("%s: %s; again in %d s"):format(url, why, pause))
      sleep(pause)
      pause = math.min(2 * pause, 60)
    end
  end
end

return ticker
