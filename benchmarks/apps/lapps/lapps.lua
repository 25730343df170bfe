-- lapps answers a request of the LAppS protocol with its own parameter.
local lapps = {methods = {}}

function lapps.methods.echo(handler, params)
  return params[1]
end

return lapps
