return {onMessage = function() end, onStart = function() error("cannot start") end}
