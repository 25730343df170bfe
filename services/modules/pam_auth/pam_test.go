//go:build pam

package pamauth

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/msteinert/pam/v2"
)

// TestPAM has the real PAM answer, with files of services of its own, and a program
// for a password.
func TestPAM(t *testing.T) {
	dir := t.TempDir()
	check := filepath.Join(dir, "check")
	for name, text := range map[string]string{
		"check":    "#!/bin/sh\n[ \"$(tr -d '\\000')\" = 'se cret' ] && [ \"$PAM_USER\" = ann ] && [ \"$PAM_SERVICE\" = exec ]\n",
		"permit":   "auth required pam_permit.so\naccount required pam_permit.so\n",
		"deny":     "auth required pam_deny.so\naccount required pam_permit.so\n",
		"account":  "auth required pam_permit.so\naccount required pam_deny.so\n",
		"exec":     "auth sufficient pam_exec.so quiet expose_authtok " + check + "\nauth required pam_deny.so\naccount required pam_permit.so\n",
		"nomodule": "auth required pam_there_is_none.so\n",
	} {
		mode := os.FileMode(0o644)
		if name == "check" {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	ask := withPAM(dir)
	for _, c := range []struct{ service, user, password, want string }{
		{"permit", "ann", "any", "true"},
		{"deny", "ann", "any", "false"},
		{"account", "ann", "any", "false Authentication failure"},
		{"exec", "ann", "se cret", "true"},
		{"exec", "ann", "secret", "false"},
		{"exec", "bob", "se cret", "false"},
		{"nomodule", "ann", "any", "false Module is unknown"},
	} {
		t.Run(c.service+" "+c.user+" "+c.password, func(t *testing.T) {
			source := `return show(pam_auth:login("` + c.service + `", "` + c.user + `", "` + c.password + `"))`
			if got := eval(t, module(ask, 1), source); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestConversation: one password is given, and nothing else.
func TestConversation(t *testing.T) {
	c := &conversation{password: "x"}
	for i, step := range []struct {
		style pam.Style
		want  string
		more  bool
	}{
		{pam.TextInfo, "", false},
		{pam.PromptEchoOff, "x", false},
		{pam.ErrorMsg, "", false},
		{pam.PromptEchoOff, "", true},
	} {
		got, err := c.RespondPAM(step.style, "?")
		if got != step.want || (err != nil) != step.more || c.more != step.more {
			t.Errorf("%d: %q, %v, more %v", i, got, err, c.more)
		}
	}
	c = &conversation{password: "x"}
	if got, err := c.RespondPAM(pam.PromptEchoOn, "login:"); got != "" || err == nil || !c.more {
		t.Errorf("%q, %v, more %v", got, err, c.more)
	}
}
