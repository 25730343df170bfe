package config

import (
	"math"
	"net"
	"regexp"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// meaningless is the type of keys that LAppS has and that have no meaning
// here. Their description is the notice; their values are not looked at.
type meaningless = any

// A lappsServer is ws.json.
type lappsServer struct {
	Listeners int          `json:"listeners"`
	IP        string       `json:"ip"`
	Port      int          `json:"port"`
	Workers   lappsWorkers `json:"workers"`
	ACL       ACL          `json:"acl"`
	TLS       bool         `json:"tls"`

	TLSServerVersion int               `json:"tls_server_version"`
	TLSCertificates  lappsCertificates `json:"tls_certificates"`

	ConnectionWeight meaningless `json:"connection_weight" jsonschema:"has no meaning here, as it had none in LAppS"`
	AutoSave         meaningless `json:"lapps_config_auto_save" jsonschema:"has no meaning here: the server writes no configuration"`
	TLSClientVersion meaningless `json:"tls_client_version" jsonschema:"has no meaning here: cws speaks TLS 1.2 and 1.3"`
}

// lappsCertificates are the server's certificate and key, and whom cws trusts.
type lappsCertificates struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
	CA   string `json:"ca"` // outgoing.ca_file
}

// lappsWorkers are the threads that serve connections in LAppS.
type lappsWorkers struct {
	Workers        int  `json:"workers"`
	MaxConnections int  `json:"max_connections"`
	AutoFragment   bool `json:"auto_fragment"` // fragment_bytes of all services

	MaxPollEvents   meaningless `json:"max_poll_events" jsonschema:"has no meaning here: the event loops take what there is"`
	MaxPollWait     meaningless `json:"max_poll_wait_ms" jsonschema:"has no meaning here: the event loops wait for events, not for time"`
	MaxInboundsSkip meaningless `json:"max_inbounds_skip" jsonschema:"has no meaning here: connections are accepted as they come"`
	InputBufferSize meaningless `json:"input_buffer_size" jsonschema:"has no meaning here: buffers have the size they need"`
}

// A lappsDocument is lapps.json. It only describes the file: what is left of
// that when it has been checked is decoded as the native form, which has the
// same names for the same things.
type lappsDocument struct {
	Directories lappsDirectories        `json:"directories"`
	Services    map[string]lappsService `json:"services"`
}

// lappsDirectories are the places of things below LAppS's home.
type lappsDirectories struct {
	Applications string `json:"applications"`
	Deploy       string `json:"deploy"`

	Tmp     meaningless `json:"tmp" jsonschema:"has no meaning here: archives are unpacked beside the applications"`
	Conf    meaningless `json:"app_conf_dir" jsonschema:"has no meaning here, as it had none in LAppS"`
	WorkDir meaningless `json:"workdir" jsonschema:"has no meaning here, as it had none in LAppS"`
}

// A lappsService is a service of lapps.json.
type lappsService struct {
	Standalone            bool              `json:"standalone"`
	Internal              bool              `json:"internal"` // standalone, before LAppS 0.9.0
	AutoStart             bool              `json:"auto_start"`
	Instances             int               `json:"instances"`
	Preload               []string          `json:"preload"`
	Depends               []string          `json:"depends"`
	Protocol              string            `json:"protocol"`
	RequestTarget         string            `json:"request_target"`
	MaxInboundMessageSize int               `json:"max_inbound_message_size"`
	ACL                   ACL               `json:"acl"`
	ExtraHeaders          map[string]string `json:"extra_headers"`
	ProtoAlias            string            `json:"proto_alias"` // one of subprotocols
}

var (
	lappsHost = &format{
		pattern: regexp.MustCompile(`^[0-9A-Za-z.:%_-]+$`),
		want:    "an IP address or a name, like 0.0.0.0, :: or localhost",
		check: func(s string) string {
			if listenAddress.mistake(net.JoinHostPort(s, "0")) != "" {
				return "must be an IP address or a name, like 0.0.0.0, :: or localhost, not " + quote(s)
			}
			return ""
		},
	}
	lappsTarget = &format{
		pattern: regexp.MustCompile(`^/[!"$-~]*$`),
		want:    requestTarget.want,
		check: func(s string) string {
			if strings.Contains(s, "?") {
				return "must be without a query, since only the path is compared here, not " + quote(s)
			}
			return ""
		},
	}
	lappsPrefix = &format{
		pattern: regexp.MustCompile(`^[0-9A-Fa-f:.]+(/[0-9]+)?$`),
		want:    aPrefix,
		check: func(s string) string {
			_, mis := parsePrefix(s)
			return mis
		},
	}
)

// serverSchema is the schema of ws.json. It must not be modified.
var serverSchema = sync.OnceValue(func() *jsonschema.Schema {
	s := schemaOf[lappsServer]()
	p, workers := s.Properties, s.Properties["workers"].Properties
	between(p["listeners"], 0, math.MaxInt32)
	formatted(p["ip"], lappsHost)
	between(p["port"], 0, math.MaxUint16)
	between(workers["workers"], 0, math.MaxInt32)
	between(workers["max_connections"], 0, math.MaxInt32)
	constrainACL(p["acl"], lappsPrefix)
	between(p["tls_server_version"], 0, math.MaxInt32)
	formatted(p["tls_certificates"].Properties["cert"], filePath)
	formatted(p["tls_certificates"].Properties["key"], filePath)
	formatted(p["tls_certificates"].Properties["ca"], filePath)
	return s
})

// servicesSchema is the schema of lapps.json. It must not be modified.
var servicesSchema = sync.OnceValue(func() *jsonschema.Schema {
	s := schemaOf[lappsDocument]()
	formatted(s.Properties["directories"].Properties["applications"], filePath)
	formatted(s.Properties["directories"].Properties["deploy"], filePath)
	services := s.Properties["services"]
	services.PropertyNames = formatted(new(jsonschema.Schema), serviceName)
	p := services.AdditionalProperties.Properties
	between(p["instances"], 0, maxInstances)
	formatted(p["preload"].Items, moduleName)
	p["protocol"].Enum = protocols()
	formatted(p["request_target"], lappsTarget)
	between(p["max_inbound_message_size"], 0, maxBytes)
	constrainACL(p["acl"], lappsPrefix)
	constrainHeaders(p["extra_headers"])
	formatted(p["proto_alias"], subprotocol)
	return s
})
