package cws

import (
	"testing"
	"time"
)

// TestTimes has servers that are silent.
func TestTimes(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct{ name, source, want, sent string }{
		{"no pong", `local c = dial("/", {ping = 0.02, pong_timeout = 0.02}) return all(c:recv(20))`, "nil|closed|1006|no pong within 20ms", "89 "},
		{"idle", `local c = dial("/", {ping = 0, idle_timeout = 0.02}) return all(c:recv(20))`, "nil|closed|1008|nothing received for 20ms", "88 \x03\xf0nothing received for 20ms"},
		{"no pings", `local c = dial("/", {ping = 0, pong_timeout = 0.001}) return all(c:recv(0.05))`, "nil|timeout", ""},
		{"pings for ever", `local c = dial("/", {ping = 0.02, pong_timeout = 0}) return all(c:recv(0.1))`, "nil|timeout", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := make(chan []byte, 1)
			url := rawServer(t, func(conn *rawConn) {
				conn.upgrade("")
				sent <- conn.rest()
			})
			l := newLab(t, n, url, c.source, nil)
			if got := l.run(); got != c.want {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
			l.stop()
			if all := unmasked(<-sent); c.sent != "" && (len(all) != 1 || all[0] != c.sent) {
				t.Errorf("the client sent %q, want %q", all, c.sent)
			}
		})
	}
}

// TestPongs has a server that answers pings live on.
func TestPongs(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	if got := eval(t, n, url, `local c = dial("/echo", {ping = 0.01, pong_timeout = 10}) c:recv(0.1) c:send("x") return all(c:recv())`); got != "x|1" {
		t.Error(got)
	}
}

// TestNoAnswerToClose has a server that does not answer a Close frame be left after a while.
func TestNoAnswerToClose(t *testing.T) {
	n := newNetwork(t)
	done := make(chan struct{})
	url := rawServer(t, func(conn *rawConn) {
		conn.upgrade("")
		<-done
	})
	l := newLabOf(t, Config{Pool: n.pool, Grants: anywhere(t), closeTime: 20 * time.Millisecond}, url, `c = dial("/") return all(c:close(), c:status())`)
	if got := l.run(); got != "true|closing" {
		t.Error(got)
	}
	eventually(t, "the connection is aborted", func() bool { return n.pool.Len() == 0 })
	close(done)
}

// TestFullOutbox has a server that reads nothing: who sends waits, and is told.
func TestFullOutbox(t *testing.T) {
	n := newNetwork(t)
	done := make(chan struct{})
	url := rawServer(t, func(conn *rawConn) {
		_ = conn.SetReadBuffer(4096)
		conn.upgrade("")
		<-done
		conn.rest()
	})
	l := newLab(t, n, url, `c = dial("/", {send_timeout = 0.05, outbox_bytes = 100000, ping = 0})
		local s, n, ok, why = ("x"):rep(10000), 0
		repeat ok, why = c:send(s) n = n + 1 until not ok or n > 10000
		return all(why, n < 10000)`, nil)
	if got := l.run(); got != "timeout|true" {
		t.Error(got)
	}
	close(done)
}
