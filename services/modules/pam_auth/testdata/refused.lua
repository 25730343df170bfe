-- Without PAM, or with wrong arguments, login returns why. The authenticator of this test
-- refuses whatever it is asked.
local pam_auth = require "pam_auth"

local function login(...)
  local ok, why = pam_auth:login(...)
  same(ok, false)
  return why
end

local usage = "usage: pam_auth:login(service, user, password), which are strings and not empty"
same(login(), usage)
same(login("login", "ann"), usage)
same(login("login", "ann", "secret", "more"), usage)
same(login("login", "ann", 12), usage)
same(login("login", nil, "secret"), usage)
same(login("", "ann", "secret"), usage)
same(login("login", "", "secret"), usage)
same(login("login", "ann", ""), usage)
same(select(2, pam_auth.login("login", "ann", "secret")), usage)

local service = "the service must be the name of a file: up to 255 letters, digits, '.', '_' and '-', and no '.' in front"
for _, name in ipairs {"../shadow", "a/b", "..", ".hidden", "a b", "login\0", "login\n", ("x"):rep(256)} do
  same(login(name, "ann", "secret"), service)
end
same(login("login", "ann\0", "secret"), "the user must have at most 255 bytes, and none may be zero")
same(login("login", ("x"):rep(256), "secret"), "the user must have at most 255 bytes, and none may be zero")
same(login("login", "ann", "secret\0"), "the password must have at most 511 bytes, and none may be zero")
same(login("login", "ann", ("x"):rep(512)), "the password must have at most 511 bytes, and none may be zero")

same(select("#", pam_auth:login("login", "ann", "secret")), 1)
same(login(("x"):rep(255), ("x"):rep(255), ("x"):rep(511)), nil)
same(login("su-l_0.1", "ann", "secret"), nil)
