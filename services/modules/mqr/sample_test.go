package mqr

import (
	"slices"
	"testing"
)

// TestSample tells of the fullest queues, and how many there are.
func TestSample(t *testing.T) {
	qs := New(Limits{Messages: 2, Bytes: 100})
	for _, name := range []string{"c", "b", "full", "asked"} {
		mustQueue(t, qs, name, settings{})
	}
	full, asked, b := mustQueue(t, qs, "full", settings{}), mustQueue(t, qs, "asked", settings{}), mustQueue(t, qs, "b", settings{})
	for _, s := range []string{"one", "two", "three"} { // the third waits
		if _, err := full.post(parcel(t, s)); err != nil {
			t.Fatal(err)
		}
	}
	asked.receive()
	if _, err := b.post(parcel(t, "x")); err != nil {
		t.Fatal(err)
	}
	if m, ok := b.take(); !ok || text(m.parcel) != "x" {
		t.Error(m, ok)
	}
	all := []Sample{
		{Name: "full", Messages: 2, Bytes: 6, Accepted: 2, Posters: 1},
		{Name: "asked", Receivers: 1},
		{Name: "b", Accepted: 1},
		{Name: "c"},
	}
	for n := range 6 {
		got, total := qs.Sample(n)
		if want := all[:min(n, len(all))]; !slices.Equal(got, want) || total != 4 {
			t.Errorf("%d: got %+v of %d, want %+v", n, got, total, want)
		}
	}
	if got, want := qs.Held(), int64(len("onetwothree"))+3*messageBytes; got != want {
		t.Errorf("%d bytes are held, want %d", got, want)
	}
}
