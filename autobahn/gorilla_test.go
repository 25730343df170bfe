package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// gorillaEcho is an echo server with gorilla/websocket, which leaves UTF-8 to
// its users: with check, messages are checked as a whole.
func gorillaEcho(t *testing.T, check, compression bool) string {
	t.Helper()
	s := httptest.NewServer(gorillaHandler(check, compression))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/"
}

func gorillaHandler(check, compression bool) http.HandlerFunc {
	upgrader := websocket.Upgrader{EnableCompression: compression}
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			if check && kind == websocket.TextMessage && !utf8.Valid(p) {
				c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1007, ""), time.Time{})
				return
			}
			if err := c.WriteMessage(kind, p); err != nil {
				return
			}
		}
	}
}

const gorillaCases = "1.* 2.* 3.* 4.* 5.* 6.* 7.* 9.1.1 9.2.2 9.3.4 9.4.5 9.7.3 10.* 12.1.1 13.7.9"

func TestGorilla(t *testing.T) {
	wantVerdicts(t, gorillaEcho(t, false, false), gorillaCases, []row{
		{"FAILED/FAILED", "@badtexts"}, // what is not UTF-8 is echoed, and the connection stays
		{"UNIMPLEMENTED/OK", "12.* 13.*"},
	})
}

func TestGorillaChecked(t *testing.T) {
	wantVerdicts(t, gorillaEcho(t, true, false), gorillaCases, []row{
		{"NON-STRICT/OK", "6.4.*"}, // checked at the end of the message only
		{"UNIMPLEMENTED/OK", "12.* 13.*"},
	})
}

// TestGorillaCompression: gorilla answers every offer with both kinds of no
// context takeover and without window bits, and so uses 15 where 9 were asked
// for. Where another offer of 13.7 leaves them open, that is right.
func TestGorillaCompression(t *testing.T) {
	r := wantVerdicts(t, gorillaEcho(t, false, true), "12.* 13.*", nil)
	notes := groupNotes(r.Results)
	if len(notes) != 1 {
		t.Fatalf("%d notes, want 1", len(notes))
	}
	if want := "the response does not honour the offer: asked for server_max_window_bits=9, the response means 15"; notes[0].text != want {
		t.Errorf("noted %q, want %q", notes[0].text, want)
	}
	for _, id := range notes[0].ids {
		if !means("13.3.*", id) && !means("13.5.*", id) {
			t.Errorf("noted in %s", id)
		}
	}
	if len(notes[0].ids) != 36 {
		t.Errorf("noted in %d cases, want 36", len(notes[0].ids))
	}
}
