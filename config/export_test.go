package config

// ForgetLines makes configurations of different texts, and of LAppS's, comparable.
func (c *Config) ForgetLines() {
	c.fragment = 0
	c.file, c.lines, c.positions, c.log, c.outgoing = "", nil, nil, position{}, position{}
}

// ParseLAppS reads texts at hand as etc/conf/ws.json and etc/conf/lapps.json.
func ParseLAppS(server, services []byte, home string) (*Config, []Notice, error) {
	return parseLAppS(document{"etc/conf/ws.json", server}, document{"etc/conf/lapps.json", services}, home)
}
