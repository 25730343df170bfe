// Package luatest runs the tests of services, which are written in Lua: files
// NAME_test.lua beside the services' own.
//
// Runner.Run takes the files. Each is run once for the names of its tests, and then
// once for each test, in a Lua state of its own, beside a services.Registry of its
// own: a test finds nothing that another has left. The services' code is that of the
// server; what is not there is the network. A test's connection (conn) is a
// services.Peer that keeps what it is sent.
//
// The time is the test's own (clock): it begins with the year 2000 and stands still
// while anything is at work. So an hour passes at once, and what happens has one
// order. It does not concern how long Lua may run: that is real time, and so is the
// limit of a test.
//
// What tests can call is documented in docs/testing.md: tests.go has describe and
// it, expect.go has expect, connect.go has connect and the methods of connections.
package luatest
