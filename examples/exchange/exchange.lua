-- exchange tells prices, in the manner of Bitfinex's public API. A client subscribes:
--
--   {"event": "subscribe", "channel": "ticker", "symbol": "tBTCUSD"}
--
-- and is answered with the number of its channel, the price as it is, and each change of it:
--
--   {"event": "subscribed", "channel": "ticker", "chanId": 1, "symbol": "tBTCUSD"}
--   [1, [42000, 41990, 0.5, 42010]]        price, lowest, change in %, highest
local timer = require("timer")

local exchange = {}

local symbols = {tBTCUSD = 42000, tETHUSD = 2500, tLTCUSD = 70}

local prices = {}      -- symbol -> {price, lowest, change, highest}
local subscribers = {} -- symbol -> {handler -> channel}
local last = 0         -- channel

local function tell(handler, channel, symbol)
  ws:send(handler, 1, nljson.encode({channel, prices[symbol]}))
end

-- tick moves each price by up to half a percent.
local function tick()
  for symbol, first in pairs(symbols) do
    local p = prices[symbol]
    p[1] = math.floor(p[1] * (1 + (math.random() - 0.5) / 100) * 100) / 100
    p[2], p[3], p[4] = math.min(p[2], p[1]), (p[1] / first - 1) * 100, math.max(p[4], p[1])
    for handler, channel in pairs(subscribers[symbol]) do tell(handler, channel, symbol) end
  end
end

function exchange.onStart()
  for symbol, first in pairs(symbols) do
    prices[symbol], subscribers[symbol] = {first, first, 0, first}, {}
  end
  timer.every(1, tick)
end

local function refuse(handler, why)
  return ws:send(handler, 1, nljson.encode({event = "error", msg = why}))
end

function exchange.onMessage(handler, opcode, message)
  local ok, m = pcall(nljson.decode, message)
  if not ok or nljson.typename(m) ~= "object" or m.event ~= "subscribe" or m.channel ~= "ticker" then
    return refuse(handler, "want a subscription to the channel ticker")
  end
  local symbol = m.symbol
  if type(symbol) ~= "string" or not symbols[symbol] then return refuse(handler, "symbol: invalid") end
  if subscribers[symbol][handler] then return refuse(handler, "subscribe: dup") end
  last = last + 1
  subscribers[symbol][handler] = last
  ws:send(handler, 1, nljson.encode({event = "subscribed", channel = "ticker", chanId = last, symbol = symbol}))
  tell(handler, last, symbol)
  return true
end

function exchange.onDisconnect(handler)
  for _, all in pairs(subscribers) do all[handler] = nil end
end

return exchange
