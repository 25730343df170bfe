package services

import (
	"context"
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// How long a run that failed waits before it is called again. The time doubles
// with each failure, and begins anew after a run that lasted longPause.
const (
	shortPause = time.Second
	longPause  = time.Minute
)

// The stages of the program of a standalone instance.
const (
	stageRunning  = iota // or it has not begun
	stageFailing         // run has failed, and will be called again
	stageFinished        // run has returned
)

// begin has the program of a standalone instance run.
func (in *instance) begin() {
	if in.service.Standalone {
		in.ended = make(chan struct{})
		in.vm.Work(1)
		go in.supervise()
	}
}

// supervise is the goroutine of a standalone instance: it calls run, in the
// same state, until run returns or the instance has to stop.
func (in *instance) supervise() {
	defer in.vm.Work(-1)
	defer close(in.ended)
	for pause := shortPause; ; pause = min(2*pause, longPause) {
		began := in.vm.Now()
		err := in.vm.Run(func(*vm.Instance) error {
			_, err := in.call("run")
			return err
		})
		switch {
		case errors.Is(err, vm.ErrStopped):
			return
		case err == nil:
			in.stage.Store(stageFinished)
			in.log.Info("run has returned")
			return
		}
		if in.vm.Now().Sub(began) >= longPause {
			pause = shortPause
		}
		n := in.service.failed.Add(1)
		in.service.account.failures.Add(1)
		if in.vm.Halted() {
			logLua(in.log, "run failed", err, "failures", n)
			return
		}
		logLua(in.log, "run failed, it will be called again", err, "failures", n, "pause", pause.String())
		in.stage.Store(stageFailing)
		if !in.vm.Rest(pause) {
			return
		}
		in.stage.Store(stageRunning)
	}
}

// stateOfPrograms is the state of a standalone service that has these instances.
func stateOfPrograms(all []*instance) string {
	state := StateFinished
	for _, in := range all {
		switch in.stage.Load() {
		case stageFailing:
			return StateFailing
		case stageRunning:
			state = StateRunning
		}
	}
	return state
}

// stopRun waits for run to end, and interrupts it when ctx ends first.
func (in *instance) stopRun(ctx context.Context) error {
	err := in.vm.Stop(ctx)
	if in.ended == nil { // it has not begun
		return err
	}
	if err != nil { // what not even an interrupt ends is left alone
		select {
		case <-in.ended:
		case <-time.After(time.Second):
		}
		return err
	}
	<-in.ended
	return nil
}

// mustStop is the global must_stop(): whether the service has to stop. A
// program that runs for long calls it from time to time; what it has sent goes
// out then, too.
func mustStop(l *lua.LState) int {
	in := vm.Of(l)
	in.Breathe()
	l.Push(lua.LBool(in.Halted()))
	return 1
}
