package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
)

//go:embed nginx.conf
var nginxConf string

// nginxSettings is what nginx.conf is filled with.
type nginxSettings struct {
	Addr       netip.AddrPort
	Cert, Key  string // files; empty: ws
	Workers    int    // processes, at least 1
	Dir        string // for the configuration and what nginx writes; absolute
	Modules    string // folder
	Files      uint64 // descriptors each worker may have
	MaxMessage int    // bytes
	Root       bool   // root starts it
}

// nginxModules is where Debian keeps nginx's modules.
const nginxModules = "/usr/lib/nginx/modules"

// nginxHint says how to get what is missing.
const nginxHint = "on Debian: apt-get install --no-install-recommends nginx libnginx-mod-http-lua lua-nginx-websocket"

// runNginx writes nginx's configuration and becomes nginx, which stays in the
// foreground and ends at SIGTERM. It returns the exit status if it cannot.
func runNginx(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("peers nginx", flag.ContinueOnError)
	flags.SetOutput(stderr)
	s := nginxSettings{Modules: nginxModules, MaxMessage: maxMessage, Root: os.Geteuid() == 0}
	addr := flags.String("addr", "", "`address` to listen on; nginx cannot choose a port")
	flags.StringVar(&s.Cert, "cert", "", "`file` of the certificate, PEM: speak wss")
	flags.StringVar(&s.Key, "key", "", "`file` of its private key, PEM")
	flags.IntVar(&s.Workers, "loops", 1, "worker processes, at least 1")
	flags.StringVar(&s.Dir, "dir", "", "`folder` for the configuration and what nginx writes; it is left there")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	var err error
	if s.Addr, err = netip.ParseAddrPort(*addr); err != nil || s.Addr.Port() == 0 || s.Dir == "" ||
		flags.NArg() > 0 || s.Workers < 1 || (s.Cert == "") != (s.Key == "") {
		fmt.Fprintf(stderr, "peers: nginx: expected -addr with a port, -dir, -loops of at least 1, -cert and -key together, and no arguments, not %q\n", args)
		return 2
	}
	fmt.Fprintf(stderr, "peers: nginx: %v\n", becomeNginx(s))
	return 1
}

// becomeNginx does not return unless it fails.
func becomeNginx(s nginxSettings) error {
	program, err := exec.LookPath("nginx")
	if errors.Is(err, exec.ErrNotFound) {
		program, err = exec.LookPath("/usr/sbin/nginx") // not in everybody's PATH
	}
	if err != nil {
		return fmt.Errorf("%w; %s", err, nginxHint)
	}
	lua := filepath.Join(s.Modules, "ngx_http_lua_module.so")
	if _, err := os.Stat(lua); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; %s", err, nginxHint)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	s.Files = limit.Cur
	file, err := s.write()
	if err != nil {
		return err
	}
	args := []string{"nginx", "-p", s.Dir, "-e", "stderr", "-c", file}
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, args, os.Environ()))
}

// write writes the configuration and returns its file. It makes all names in
// it absolute.
func (s *nginxSettings) write() (file string, err error) {
	names := []*string{&s.Dir}
	if s.Cert != "" {
		names = append(names, &s.Cert, &s.Key)
	}
	for _, name := range names {
		if *name, err = filepath.Abs(*name); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return "", err
	}
	t, err := template.New("nginx.conf").Parse(nginxConf)
	if err != nil {
		return "", err
	}
	file = filepath.Join(s.Dir, "nginx.conf")
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	return file, errors.Join(t.Execute(f, s), f.Close())
}
