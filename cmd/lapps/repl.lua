-- The service of "lapps repl" where it is given none: it does nothing by itself.
return {run = function() end}
