// Package lapps holds no code: it is the root of an application server for
// WebSockets. README.md is the way in; floorplan_test.go says which folders
// (rooms) there are and which may know which.
package lapps
