package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asLapps, in the environment, has the test binary be lapps.
const asLapps = "LAPPS_TEST_AS_LAPPS"

func TestMain(m *testing.M) {
	if os.Getenv(asLapps) != "" {
		lowerFileLimit()
		if os.Getenv(asLapps) != onTerminal {
			go answerFootprints(os.Stdin, os.Stdout)
		}
		main()
	}
	goleak.VerifyTestMain(m,
		// gnet enrols connections on a pool that never ends two of its
		// goroutines, and keeps idle workers for a while.
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"),
	)
}

// lowerFileLimit lowers the hard limit of open files to what asLapps says.
func lowerFileLimit() {
	if n, _ := strconv.ParseUint(os.Getenv(asLapps), 10, 64); n > 1 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			panic(err)
		}
	}
}

// A process is lapps in a process of its own.
type process struct {
	cmd  *exec.Cmd
	addr string
	log  *logged
	done chan error
	pipe *pipe
}

// startProcess runs lapps with a configuration and waits until it listens.
// files limits its open files; 1: no limit.
func startProcess(t *testing.T, files int, doc string, apps map[string]string) *process {
	t.Helper()
	dir := writeApps(t, apps)
	p := &process{log: new(logged), done: make(chan error, 1)}
	p.cmd = exec.Command(os.Args[0], "run", "-c", writeConfig(t, dir, doc))
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", asLapps, files))
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.pipe = newPipe(t, p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			line := lines.Text()
			io.WriteString(p.log, line+"\n")
			if _, rest, ok := strings.Cut(line, `"msg":"listening","address":"`); ok {
				addr, _, _ := strings.Cut(rest, `"`)
				listening <- addr
			}
		}
		p.done <- p.cmd.Wait()
	}()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	select {
	case p.addr = <-listening:
	case err := <-p.done:
		t.Fatalf("lapps ended: %v\n%s", err, p.log)
	}
	return p
}

// wait returns the exit status.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(time.Minute):
		t.Fatal("lapps does not end")
		return -1
	}
}

const shutdownLua = `
local s = {}
function s.onMessage(handler, opcode, message)
  if message == "hang" then while true do end end
  return ws:send(handler, opcode, message)
end
function s.onDisconnect(handler) print("onDisconnect") end
function s.onShutdown() print("onShutdown") end
return s`

func TestSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := startProcess(t, 1, `{"timeouts": {"close_ms": 500}, "services": {"s": {}}}`, map[string]string{"s/s.lua": shutdownLua})
		coder := dialCoder(t, "ws://"+p.addr+"/s", nil)
		gorilla := dialGorilla(t, "ws://"+p.addr+"/s", nil)
		coder.send(t, false, []byte("x"))
		mustReceive(t, coder, false, []byte("x"))
		half := raw(t, p.addr)
		io.WriteString(half, "GET /s HTTP/1.1\r\n")
		p.cmd.Process.Signal(signal)
		for _, c := range []client{coder, gorilla} {
			if code, _ := c.closed(t); code != 1001 {
				t.Errorf("%v: closed with %d, want 1001", signal, code)
			}
		}
		if status := p.wait(t); status != 0 {
			t.Errorf("%v: exit status %d, want 0\n%s", signal, status, p.log)
		}
		if n := strings.Count(p.log.String(), `"msg":"onDisconnect"`); n != 2 {
			t.Errorf("%v: onDisconnect called %d times, want 2", signal, n)
		}
		if n := strings.Count(p.log.String(), `"msg":"onShutdown"`); n != 2 {
			t.Errorf("%v: onShutdown called %d times, want once for each of 2 instances", signal, n)
		}
	}
}

// TestShutdownDeadline has Lua that never returns: the deadline ends it, and
// the exit status is still 0.
func TestShutdownDeadline(t *testing.T) {
	p := startProcess(t, 1, `{"timeouts": {"shutdown_ms": 800, "close_ms": 100}, "services": {"s": {"instances": 1}}}`,
		map[string]string{"s/s.lua": shutdownLua})
	c := dialCoder(t, "ws://"+p.addr+"/s", nil)
	c.send(t, false, []byte("hang"))
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, p.log)
	}
}

// TestSilentPeersAtShutdown has a peer that does not go use up the deadline:
// onShutdown is called all the same.
func TestSilentPeersAtShutdown(t *testing.T) {
	p := startProcess(t, 1, `{"timeouts": {"shutdown_ms": 800, "close_ms": 60000}, "services": {"s": {"instances": 1}}}`,
		map[string]string{"s/s.lua": shutdownLua})
	rawOpen(t, p.addr, "/s")
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, p.log)
	}
	if n := strings.Count(p.log.String(), `"msg":"onShutdown"`); n != 1 {
		t.Errorf("onShutdown called %d times, want once\n%s", n, p.log)
	}
}

// TestSlowStart has a service whose onStart never ends: the others are served,
// and the daemon can be stopped.
func TestSlowStart(t *testing.T) {
	p := startProcess(t, 1, `{"timeouts": {"shutdown_ms": 800}, "services": {"echo": {}, "aaa": {}}}`, map[string]string{
		"echo/echo.lua": echoLua,
		"aaa/aaa.lua":   "return {onStart = function() while true do end end, onMessage = print}",
	})
	mustEcho(t, "ws://"+p.addr+"/echo")
	if status := statusOf(t, p.addr, upgrade("/aaa")); status != 503 {
		t.Errorf("status %d, want 503", status)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, p.log)
	}
}

// TestSecondSignal has a daemon that is told to wait for ever end at once.
func TestSecondSignal(t *testing.T) {
	p := startProcess(t, 1, `{"timeouts": {"shutdown_ms": 0}, "services": {"s": {"instances": 1}}}`,
		map[string]string{"s/s.lua": shutdownLua})
	c := dialCoder(t, "ws://"+p.addr+"/s", nil)
	c.send(t, false, []byte("hang"))
	p.cmd.Process.Signal(syscall.SIGTERM)
	eventually(t, "the port is closed", func() bool {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != exitFailed {
		t.Errorf("exit status %d, want %d", status, exitFailed)
	}
}

// TestFileLimit has a daemon run out of descriptors: it says so, its
// connections echo on, it does not spin, and it accepts again afterwards.
func TestFileLimit(t *testing.T) {
	p := startProcess(t, 96, `{"services": {"echo": {}}}`, echoApp)
	url := "ws://" + p.addr + "/echo"
	first := dialCoder(t, url, nil)
	var flood []net.Conn
	for range 200 {
		if c, err := net.Dial("tcp", p.addr); err == nil {
			flood = append(flood, c)
		}
	}
	before := cpuTime(t, p.cmd.Process.Pid)
	for i := range 200 {
		message := fmt.Appendf(nil, "%d", i)
		first.send(t, false, message)
		mustReceive(t, first, false, message)
		time.Sleep(2 * time.Millisecond) // a spinning server would burn it
	}
	if burnt := cpuTime(t, p.cmd.Process.Pid) - before; burnt > 300*time.Millisecond {
		t.Errorf("%v of CPU while out of descriptors", burnt)
	}
	for _, c := range flood {
		c.Close()
	}
	eventually(t, "new connections echo", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return tryEcho(ctx, url)
	})
	first.send(t, false, []byte("end"))
	mustReceive(t, first, false, []byte("end"))
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait(t)
	if !strings.Contains(p.log.String(), "too many open files") {
		t.Errorf("nothing was logged:\n%s", p.log)
	}
}

// cpuTime is the CPU time of a process.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
