---@meta pam_auth

--- Asks the machine's PAM whether a user's password is right, as LAppS's module `pam_auth` does.
---
--- ```lua
--- local pam_auth = require "pam_auth"
--- local ok, why = pam_auth:login("lapps", user, password)
--- if not ok then return {status = why and 500 or 401} end
--- ```
---
--- The module reaches outside of the server: it has to be granted (`"grants": {"modules":
--- ["pam_auth"]}`) or preloaded.
---
--- **lapps has to be built for it**, with cgo and the header files of libpam (Debian:
--- `libpam0g-dev`): `go build -tags pam ./cmd/lapps`. Without, as the binaries that are
--- distributed are, the module can be required, and `login` returns `false, "not supported: this
--- lapps was built without PAM"`.
---
--- What PAM asks for is in the file `/etc/pam.d/SERVICE`:
---
--- ```
--- auth     required  pam_unix.so
--- account  required  pam_unix.so
--- ```
---
--- `pam_unix` can tell the passwords of others than its own user's only for root, or for a
--- member of the group `shadow`.
---@class pam_auth
local pam_auth = {}

--- Asks PAM for authentication with a password (`pam_authenticate`), and whether the account may
--- be used (`pam_acct_mgmt`). It opens no session.
---
--- It waits, and others of the instance go on meanwhile; a refusal takes PAM some 2 seconds. Of
--- all services 16 questions are with PAM at a time, and others wait for their turn: a
--- service that anybody can have ask should limit how often. In a service with `"execution":
--- "inline"` only tasks may wait. Where the wait is ended (`cancelled while waiting`) that is
--- an error.
---
--- PAM may ask for the password, once, and nothing else: one-time codes and new passwords
--- are not supported. The password, and an empty one is none, has up to 511 bytes, the name of the
--- user 255; neither may hold a zero byte.
---@param service string  a file in `/etc/pam.d`: letters, digits, `.`, `_` and `-`
---@param user string
---@param password string
---@return boolean ok  true: the password is right, and the account may be used. false alone: there is no such user, or that is not the password
---@return string? why  what else is in the way: the arguments (`usage: …`), the account (`User account has expired`), PAM itself
function pam_auth:login(service, user, password) end

return pam_auth
