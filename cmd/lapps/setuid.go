package main

import "errors"

// errBorrowed is why a set-uid lapps does not run. Who calls it chooses its environment, its
// configuration and so its Lua, which would run with the rights of the file's owner.
var errBorrowed = errors.New("lapps must not be set-uid or set-gid: who calls it would have its owner's rights; start it as the user that it is to run as")

// borrowed reports whether a process has been given the rights of others than its caller's,
// by the bits of its file. Capabilities of the file are no matter: they let it listen at a low port.
func borrowed(uid, euid, gid, egid int) bool { return uid != euid || gid != egid }
