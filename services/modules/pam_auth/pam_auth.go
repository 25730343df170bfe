// Package pamauth is LAppS's module pam_auth: it asks the machine's PAM whether a user's
// password is right.
//
//	pam_auth:login(service, user, password)    true; false; or false and why
//
// Only where lapps is built for it is there PAM: with the build tag pam, with cgo, and the
// header files of libpam. Without, the module is there, and login returns false and that it
// is not supported.
//
// A handler that asks gives the baton away. PAM takes its time, most of all where the
// answer is no, and each question a thread meanwhile: sixteen of the process are with it
// at a time, and the others wait for their turn. PAM cannot be interrupted: a handler
// whose wait is ended leaves its question there, which keeps its place until it is answered.
package pamauth

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances. What they ask at a time is bounded
// together.
func Module() vm.Module { return module(builtIn(), maxBusy) }

const (
	// maxBusy is how many questions are with PAM at a time.
	maxBusy = 16

	// maxName and maxPassword are how long a name and a password may be, in bytes.
	// PAM's own limit for an answer is 512 with the zero behind it.
	maxName     = 255
	maxPassword = 511
)

// A question is whether this is the user's password.
type question struct{ service, user, password string }

var (
	// errRefused is the answer no: there is no such user, or that is not the password.
	errRefused = errors.New("refused")

	errNotSupported = errors.New("not supported: this lapps was built without PAM")
)

// An authenticator has PAM answer: nil, errRefused, or what else is in the way. It may take
// long. Any goroutine, and several at a time.
type authenticator func(q question) error

// An asker is what the instances share.
type asker struct {
	ask  authenticator // nil: there is no PAM
	busy chan struct{} // holds one for each question that is with PAM
}

// module is the module with an authenticator, which is asked so many questions at a
// time; nil: there is none.
func module(ask authenticator, most int) vm.Module {
	a := &asker{ask: ask, busy: make(chan struct{}, most)}
	return vm.Module{Name: "pam_auth", Privileged: true, Types: types, Open: a.open}
}

func (a *asker) open(_ *vm.Instance, L *lua.LState) lua.LValue {
	return L.SetFuncs(L.CreateTable(0, 1), map[string]lua.LGFunction{"login": a.login})
}

// login is pam_auth:login.
func (a *asker) login(L *lua.LState) int {
	q, err := arguments(L)
	switch {
	case a.ask == nil:
		err = errNotSupported
	case err == nil:
		vm.Block(L, func(ctx context.Context) { err = a.wait(ctx, q) })
	}
	switch {
	case err == nil:
		L.Push(lua.LTrue)
		return 1
	case errors.Is(err, vm.ErrCancelled):
		L.RaiseError("%s", err.Error())
	case errors.Is(err, errRefused):
		L.Push(lua.LFalse)
		return 1
	}
	L.Push(lua.LFalse)
	L.Push(lua.LString(err.Error()))
	return 2
}

// serviceName is what the file of a service may be called. It is no path.
var serviceName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$`)

// arguments are those of login, behind the module itself.
func arguments(L *lua.LState) (q question, err error) {
	usage := errors.New("usage: pam_auth:login(service, user, password), which are strings and not empty")
	if L.GetTop() != 4 {
		return q, usage
	}
	for i, to := range []*string{&q.service, &q.user, &q.password} {
		s, ok := L.Get(2 + i).(lua.LString)
		if !ok || s == "" {
			return q, usage
		}
		*to = string(s)
	}
	switch {
	case !serviceName.MatchString(q.service):
		return q, errors.New("the service must be the name of a file: up to 255 letters, digits, '.', '_' and '-', and no '.' in front")
	case len(q.user) > maxName || strings.IndexByte(q.user, 0) >= 0:
		return q, fmt.Errorf("the user must have at most %d bytes, and none may be zero", maxName)
	case len(q.password) > maxPassword || strings.IndexByte(q.password, 0) >= 0:
		return q, fmt.Errorf("the password must have at most %d bytes, and none may be zero", maxPassword)
	}
	return q, nil
}

// wait asks PAM, when there is room, and waits for the answer, or until ctx ends: the
// error is that of the authenticator, or vm.ErrCancelled.
func (a *asker) wait(ctx context.Context, q question) error {
	select {
	case a.busy <- struct{}{}:
	case <-ctx.Done():
		return vm.ErrCancelled
	}
	answer := make(chan error, 1)
	go a.answer(q, answer)
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return vm.ErrCancelled
	}
}

// answer asks PAM. Nobody may wait for it any more: see the package comment.
func (a *asker) answer(q question, to chan<- error) {
	defer func() { <-a.busy }()
	to <- a.ask(q)
}
