package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lapps/acl"
	"lapps/config"
	"lapps/protocol/wire"
	"lapps/services"
	"lapps/services/grants"
	"lapps/services/vm"
)

// serviceConfigs are the services of a configuration, without those whose
// directory or main file cannot be read: the error is a *config.Error that
// names all of them.
func serviceConfigs(cfg *config.Config, files filesOf) (all []services.Config, err error) {
	var wrong []config.Mistake
	for name, s := range cfg.Services {
		from, err := files(name)
		if err != nil {
			wrong = append(wrong, cfg.ServiceMistake(name, fmt.Sprintf("its directory must be readable: %v", err)))
			continue
		}
		c, err := serviceConfig(cfg, name, s, from)
		if err != nil {
			wrong = append(wrong, cfg.ServiceMistake(name, err.Error()))
			continue
		}
		all = append(all, c)
	}
	if wrong != nil {
		slices.SortFunc(wrong, func(a, b config.Mistake) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
		})
		err = &config.Error{Mistakes: wrong}
	}
	return all, err
}

// serviceConfig is a service with the files that it has. Where there is an error they
// are closed.
func serviceConfig(cfg *config.Config, name string, s config.Service, from folder) (c services.Config, err error) {
	defer func() {
		if err != nil && from.close != nil {
			from.close()
		}
	}()
	if err := checkName(name, s); err != nil {
		return c, err
	}
	if _, err := fs.Stat(from.files, name+".lua"); err != nil {
		return c, fmt.Errorf("its main file %s must be readable: %w", filepath.Join(from.where, name+".lua"), err)
	}
	access, err := acl.Parse(s.ACL.Policy, s.ACL.Exclude)
	if err != nil {
		return c, fmt.Errorf("acl: %w", err)
	}
	given := slices.DeleteFunc(slices.Clone(s.Grants.Modules), func(m string) bool { return m == "*" })
	if mis := cmp.Or(moduleMistake("preload", s.Preload), moduleMistake("grants.modules", given)); mis != "" {
		return c, fmt.Errorf("%s", mis)
	}
	granted, err := grantsOf(cfg, name, s)
	if err != nil {
		return c, err
	}
	return services.Config{
		Name:          name,
		Version:       from.version,
		Files:         from.files,
		Where:         from.where,
		Path:          luaPath(os.Getenv("LUA_PATH")),
		Release:       release(from, granted),
		Redeploy:      redeploys[s.OnRedeploy],
		DrainTime:     s.Drain.Duration(),
		Standalone:    s.Standalone,
		Dialect:       dialects[s.Protocol],
		Preload:       s.Preload,
		Libraries:     globalModules(granted),
		Grants:        granted,
		Depends:       s.Depends,
		RequestTarget: s.RequestTarget,
		AutoStart:     s.AutoStart,
		Instances:     s.Instances,
		MaxMessage:    s.MaxInboundMessageSize,
		OutboxBytes:   s.OutboxBytes,
		Fragment:      s.FragmentBytes,
		SlowConsumer:  slowConsumers[s.SlowConsumer],
		MaxConns:      s.Connections,
		FirstMessage:  s.FirstMessage.Duration(),
		Messages:      services.Rate{PerSecond: s.MessagesPerSecond, Burst: s.MessagesBurst},
		Bytes:         services.Rate{PerSecond: s.BytesPerSecond, Burst: s.BytesBurst},
		MaxAge:        s.MaxAge.Duration(),
		MaxAgeJitter:  s.MaxAgeJitter.Duration(),
		Origins:       s.Origins,
		Subprotocols:  s.Subprotocols,
		Compression:   compression(s.Compression),
		StrictGlobals: stricts[s.StrictGlobals],
		Unordered:     !s.Ordered,
		Memory:        int64(cfg.Limits.InstanceMB) << 20,
		Inline:        s.Execution == "inline",
		CallTime:      cfg.Limits.Handler.Duration(),
		LoopTime:      cfg.Limits.Inline.Duration(),
		GoneTime:      cfg.Timeouts.Gone.Duration(),
		Access:        access,
		ExtraHeaders:  headerFields(s.ExtraHeaders),
	}, nil
}

// checkName refuses the names of globals that a service has anyway: its callbacks are in the global of its own.
func checkName(name string, s config.Service) error {
	global := func(m vm.Module) bool { return m.Name == name }
	if services.Reserved(name) || slices.ContainsFunc(globalModules(nil), global) || slices.Contains(s.Preload, name) {
		return fmt.Errorf("a service cannot be called %s: it has a global of that name from Lua, the server or its preload", name)
	}
	return nil
}

// release closes what a service has open.
func release(from folder, granted *grants.Grants) func() {
	return func() {
		_ = granted.Close() // directories that were read, or not
		if from.close != nil {
			from.close()
		}
	}
}

// compression is what wire makes of the key compression; nil: nothing.
func compression(c config.Compression) *wire.Compression {
	if !c.Enabled {
		return nil
	}
	return &wire.Compression{
		Level:           c.Level,
		MinSize:         c.MinSize,
		ContextTakeover: c.ContextTakeover,
		WindowBits:      c.MaxWindowBits,
		MaxRatio:        c.MaxRatio,
	}
}

// dialects are the values of the key protocol.
var dialects = map[string]services.Dialect{"raw": services.Raw, "LAppS": services.LAppS}

// stricts are the values of the key strict_globals.
var stricts = map[string]vm.Strict{"off": vm.StrictOff, "warn": vm.StrictWarn, "fail": vm.StrictFail}

// redeploys are the values of the key on_redeploy.
var redeploys = map[string]services.Redeploy{"drain": services.DrainPeers, "close": services.ClosePeers}

// slowConsumers are the values of the key slow_consumer.
var slowConsumers = map[string]services.SlowConsumer{
	"close":       services.CloseSlow,
	"drop_newest": services.DropNewest,
	"drop_oldest": services.DropOldest,
	"latest":      services.Latest,
}

// headerFields are the fields of an object, in order of their names.
func headerFields(m map[string]string) (fields []wire.HeaderField) {
	for name, value := range m {
		fields = append(fields, wire.HeaderField{Name: name, Value: value})
	}
	slices.SortFunc(fields, func(a, b wire.HeaderField) int { return strings.Compare(a.Name, b.Name) })
	return fields
}
