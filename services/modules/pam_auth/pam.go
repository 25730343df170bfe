//go:build pam

package pamauth

import (
	"errors"
	"runtime"

	"github.com/msteinert/pam/v2"
)

// builtIn is the authenticator of this build: the machine's PAM.
func builtIn() authenticator { return withPAM("") }

// withPAM is PAM with the files of services in a directory; "": those of the machine.
func withPAM(dir string) authenticator {
	return func(q question) error { return q.ask(dir) }
}

// ask is the authenticator's: the password is right, and the account may be used.
func (q question) ask(dir string) error {
	runtime.LockOSThread() // what modules of PAM change of their thread, they change back on it
	defer runtime.UnlockOSThread()
	c := &conversation{password: q.password}
	t, err := begin(q, c, dir)
	if err != nil {
		return err
	}
	defer func() { _ = t.End() }() // there is nothing left to be answered
	const flags = pam.Silent | pam.DisallowNullAuthtok
	err = t.Authenticate(flags)
	switch {
	case c.more:
		return errors.New("PAM asks for more than a password: that is not supported")
	case errors.Is(err, pam.ErrAuth), errors.Is(err, pam.ErrUserUnknown), errors.Is(err, pam.ErrMaxtries):
		return errRefused
	case err != nil:
		return err
	}
	return t.AcctMgmt(flags)
}

func begin(q question, c *conversation, dir string) (*pam.Transaction, error) {
	if dir == "" {
		return pam.Start(q.service, q.user, c)
	}
	return pam.StartConfDir(q.service, q.user, c, dir)
}

// A conversation answers PAM with a password, once.
type conversation struct {
	password string
	asked    bool
	more     bool // it was asked for something else, too
}

// RespondPAM implements pam.ConversationHandler.
func (c *conversation) RespondPAM(style pam.Style, _ string) (string, error) {
	switch style {
	case pam.ErrorMsg, pam.TextInfo:
		return "", nil
	case pam.PromptEchoOff:
		if !c.asked {
			c.asked = true
			return c.password, nil
		}
	}
	c.more = true
	return "", pam.ErrConv
}
