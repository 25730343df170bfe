// Package kept has the tests that TestVerdictsByTest runs.
package kept

import "testing"

func TestKept(t *testing.T) {}

func TestBroken(t *testing.T) { t.Fatal("it is broken") }

func TestSkipped(t *testing.T) { t.Skip("it cannot run here") }
