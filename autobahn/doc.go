// Command autobahn tells how well a WebSocket server keeps to RFC 6455 and
// RFC 7692. It plays the part of the Autobahn test suite's fuzzing client: the
// same 517 cases, judged by the same rules, in Go and without anything to be
// installed.
//
//	go run ./autobahn -url ws://127.0.0.1:5083/echo -out report
//	go run ./autobahn -url wss://host/echo -insecure -cases '1.*,7.9.*,6.4.1'
//
// The server has to echo: every text or binary message comes back as one
// message of the same type and content. README.md explains the verdicts and
// where this differs from the original.
//
// On standard output there are the counts of verdicts, each case that is not
// good with the reason, and notes; on standard error, how far it is. With
// -out, a directory gets index.html for people, index.json in the suite's
// shape, and a file per case. The exit status is 0 if every case is OK or
// INFORMATIONAL in both columns, 1 if not or if there is no connection, 2 if
// the command line is wrong.
//
// # How it is made
//
// A Case is data: what is sent, what may come back, how the connection has to
// end. The suite_*.go files are the tables, and suite lists them. For each case
// perform opens a connection (handshake.go), has a player perform the case
// (player.go sends, receive.go takes, trips.go is for echoes one after the
// other), and judges the outcome (outcome.go). What went over the wire is kept
// in a wirelog, abbreviated. run plays all of that for a list of cases, one at
// a time unless told otherwise, and is what tests call.
//
// The client is written for this purpose and shares nothing with the server's
// code: it sends what no client should, and looks at each octet that comes. It
// has its own inflater (inflate.go), because a server that uses a greater
// window than agreed has to fail here, and compress/flate knows only one.
//
// No server can keep it: every case ends by its timers, frames and messages of
// more than 32 MiB are a failure, memory is spent only for what has come, and
// all goroutines of a case have ended when perform returns.
//
// # What it does not do
//
// It sends correct opening handshakes only, masks every frame, uses lengths in
// their shortest form, and does not try limits of the server: what the suite
// leaves out is left out here. It does not check the content of the echoes of
// group 9, as the suite does not. It measures no speed: the milliseconds in
// the report are there to find a case that waited.
package main
