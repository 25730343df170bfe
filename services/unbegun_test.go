package services_test

import (
	"testing"

	"lapps/services"
)

// TestStopOfUnbegun: where one instance of a program fails in init, those before it are stopped,
// which have not begun to run.
func TestStopOfUnbegun(t *testing.T) {
	lua := `return {init = function() if instance_id:find("/2") then error("not today") end end, run = function() end}`
	if err := startOne(t, services.Config{Standalone: true, Instances: 2}, lua); err == nil {
		t.Error("it has started")
	}
}
