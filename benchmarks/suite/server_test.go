package suite

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SUITE_TEST_ECHO", "echo -addr {addr}")
	t.Setenv("SUITE_TEST_ECHO_TLS", "echo -cert {cert}")
	tests := []struct {
		name string
		in   Server
		want string
		line string
	}{
		{"needs nothing", Server{Command: "x"}, "", "x"},
		{"in the path", Server{Command: "x", Needs: []string{"go"}}, "", "x"},
		{"nowhere", Server{Command: "x", Needs: []string{"no-such-program"}}, "no-such-program is not here", "x"},
		{"not in the folder", Server{Command: "x", Needs: []string{"node_modules/ws"}, Hint: "npm install"}, "ws is not here; npm install", "x"},
		{"in the folder", Server{Command: "x", Needs: []string{"."}}, "", "x"},
		{"absolute", Server{Command: "x", Needs: []string{dir}}, "", "x"},
		{"by the environment", Server{Env: "SUITE_TEST_ECHO"}, "", "echo -addr {addr}"},
		{"not in the environment", Server{Env: "SUITE_TEST_NONE", Hint: "set it"}, "no command starts it: SUITE_TEST_NONE is not set; set it", ""},
	}
	for _, tt := range tests {
		if why := tt.in.find(dir); why != tt.want || tt.in.Command != tt.line {
			t.Errorf("%s: got %q and command %q", tt.name, why, tt.in.Command)
		}
	}
	s := Server{Env: "SUITE_TEST_ECHO"}
	if s.find(dir); s.TLS != "echo -cert {cert}" {
		t.Errorf("got %q for wss", s.TLS)
	}
}

func TestTakesPart(t *testing.T) {
	plain := Server{Name: "plain", Command: "x -loops {loops}"}
	full := Server{Name: "full", Command: "x", TLS: "x -tls", Paths: map[string]string{"broadcast": "/broadcast"}}
	lapps := Server{Name: "lapps", Command: "x", TLS: "x", Paths: map[string]string{"lapps": "/lapps"}, Lapps: new(Lapps)}
	tests := []struct {
		scenario Scenario
		want     []bool // plain, full, lapps
	}{
		{Scenario{Kind: "echo", Loops: 1}, []bool{true, true, true}},
		{Scenario{Kind: "echo", Loops: 1, TLS: true}, []bool{false, true, true}},
		{Scenario{Kind: "echo", Loops: 2}, []bool{true, false, true}},
		{Scenario{Kind: "broadcast", Loops: 1}, []bool{false, true, false}},
		{Scenario{Kind: "lapps", Loops: 1}, []bool{false, false, true}},
		{Scenario{Kind: "echo", Loops: 1, Servers: []string{"full", "lapps"}}, []bool{false, true, true}},
	}
	for _, tt := range tests {
		if got := []bool{plain.takesPart(&tt.scenario), full.takesPart(&tt.scenario), lapps.takesPart(&tt.scenario)}; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%+v: got %v, expected %v", tt.scenario, got, tt.want)
		}
	}
}

func TestLappsConfig(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.1:20001")
	tests := []struct {
		lapps    Lapps
		scenario Scenario
		want     string
	}{
		{Lapps{}, Scenario{Loops: 1, Instances: 2}, `{"listeners": [{"address": "127.0.0.1:20001"}], "loops": 1,
			"directories": {"applications": "/x/benchmarks/apps"}, "services": {
			"echo": {"instances": 2, "protocol": "raw"}, "lapps": {"instances": 2, "protocol": "LAppS"}, "broadcast": {"instances": 2, "protocol": "raw"}}}`},
		{Lapps{Execution: "inline"}, Scenario{Loops: 2, Instances: 1, TLS: true}, `{
			"listeners": [{"address": "127.0.0.1:20001", "tls": {"certificates": [{"cert": "c.pem", "key": "k.pem"}]}}], "loops": 2,
			"directories": {"applications": "/x/benchmarks/apps"}, "services": {
			"echo": {"instances": 1, "protocol": "raw", "execution": "inline"}, "lapps": {"instances": 1, "protocol": "LAppS", "execution": "inline"},
			"broadcast": {"instances": 1, "protocol": "raw", "execution": "inline"}}}`},
	}
	for _, tt := range tests {
		var got, want any
		if err := json.Unmarshal(tt.lapps.Config(&tt.scenario, "/x", addr, "c.pem", "k.pem"), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, expected %v", got, want)
		}
	}
}
