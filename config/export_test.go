package config

// ForgetLines makes configurations of different texts comparable.
func (c *Config) ForgetLines() { c.file, c.lines = "", nil }
