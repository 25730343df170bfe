package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	lua "github.com/yuin/gopher-lua"

	"lapps/config"
	"lapps/server/epoll"
	"lapps/services"
	"lapps/services/grants"
	"lapps/services/vm"
)

func newREPL() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "repl [-c PATH] [SERVICE]",
		Short: "Talk Lua with a new instance, that of a service or an empty one",
		Long: `repl reads lines of Lua, runs them in a new instance with all modules, and writes
what they result in. Tasks and timers go on meanwhile. Nothing listens.

With SERVICE the instance is one of that service, started as the configuration says:
PATH, or else lapps.json here or in the directory above.

Control-C ends what runs, Control-D the console. Where the input is no terminal there
are no prompts, and the status is 1 where a line has failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			all, trust, err := replServices(path, names, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return repl(cmd.Context(), all, trust, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "the configuration file (JSON), or the directory of LAppS's ws.json and lapps.json")
	return cmd
}

//go:embed repl.lua
var replFiles embed.FS

// replGrants are those of a console that is no service's: all modules, and to connect to anything. What is
// run there its user has typed.
var replGrants = grants.Config{Modules: []string{"*"}, Network: []string{"*:*"}, Private: grants.PrivateRanges()}

// replServices are the services for a console, the first of which is its own, and what
// concerns their own connections.
func replServices(path string, names []string, notices io.Writer) (all []services.Config, trust config.Outgoing, err error) {
	if len(names) == 0 {
		granted, err := grants.New(replGrants)
		if err != nil {
			return nil, trust, err
		}
		empty := services.Config{
			Name: "repl", Files: replFiles, Where: "the server", Standalone: true, AutoStart: true, Instances: 1,
			Libraries: globalModules(granted), Grants: granted,
		}
		if path == "" {
			return []services.Config{empty}, trust, nil
		}
		cfg, _, err := loadConfig(path)
		if err == nil {
			empty.Memory, trust = int64(cfg.Limits.InstanceMB)<<20, cfg.Outgoing
		}
		return []services.Config{empty}, trust, err
	}
	cfg, err := testConfig(path, ".", notices)
	if err != nil {
		return nil, trust, err
	}
	if _, ok := cfg.Services[names[0]]; !ok {
		return nil, trust, fmt.Errorf("there is no service %s in the configuration", names[0])
	}
	if all, err = serviceConfigs(cfg, directory(cfg)); err != nil {
		return nil, trust, err
	}
	for i := range all {
		own := all[i].Name == names[0]
		if all[i].AutoStart = own; own {
			all[i].Instances, all[i].CallTime, all[i].LoopTime = 1, 0, 0
		}
	}
	slices.SortStableFunc(all, func(a, b services.Config) int {
		switch names[0] {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return 0
	})
	return all, cfg.Outgoing, nil
}

// replModule is the module by which a console finds its instance.
const replModule = "lapps.repl"

// repl is a console until its input ends.
func repl(ctx context.Context, all []services.Config, trust config.Outgoing, stdin io.Reader, stdout io.Writer) error {
	input, err := newInput(stdin, stdout)
	if err != nil {
		return &failure{err}
	}
	defer input.close()
	c := &console{input: input, out: input.output()}
	all[0].Preload = append(slices.Clone(all[0].Preload), replModule)
	with := append(modules(config.Default().Limits), vm.Module{Name: replModule, Open: c.open})
	log := slog.New(&consoleLog{out: c.out})
	out, err := connectingOut(all, trust, log)
	if err != nil {
		return &failure{err}
	}
	registry, err := services.New(all, with, log)
	if err != nil {
		return errors.Join(err, out.close(ctx))
	}
	if err := registry.Start(ctx); err != nil {
		return &failure{errors.Join(err, out.close(ctx))}
	}
	failed := c.talk(ctx)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = registry.Stop(ctx)
	if err = errors.Join(err, out.close(ctx)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return &failure{err}
	}
	if failed && !input.prompts() {
		return &failure{errTold}
	}
	return nil
}

// connectingOut has services open connections without a daemon: on an event loop of their
// own, until close.
func connectingOut(all []services.Config, trust config.Outgoing, log *slog.Logger) (*outgoing, error) {
	out := newOutgoing(trust, log)
	carrier, err := epoll.New(epoll.Config{Loops: 1, Log: log})
	if err != nil {
		return nil, err
	}
	out.carrier.Store(carrier)
	for i := range all {
		all[i].Modules = out.modules(all[i])
	}
	return out, nil
}

// close ends what connectingOut has begun, once the services have stopped.
func (o *outgoing) close(ctx context.Context) error {
	o.farewell(ctx)
	return errors.Join(o.carrier.Load().Stop(ctx), o.stop(ctx))
}

// open is what the instance does when it finds the console: it prints there.
func (c *console) open(in *vm.Instance, L *lua.LState) lua.LValue {
	c.in = in
	L.SetGlobal("print", L.NewFunction(func(L *lua.LState) int {
		for i := 1; i <= L.GetTop(); i++ {
			if i > 1 {
				fmt.Fprint(c.out, "\t")
			}
			fmt.Fprint(c.out, L.ToStringMeta(L.Get(i)).String())
		}
		fmt.Fprintln(c.out)
		return 0
	}))
	return lua.LNil
}

// A consoleLog writes warnings and errors for people.
type consoleLog struct {
	out   io.Writer
	attrs []slog.Attr
}

var _ slog.Handler = (*consoleLog)(nil)

func (l *consoleLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}
func (l *consoleLog) WithGroup(string) slog.Handler { return l }

func (l *consoleLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &consoleLog{l.out, slices.Concat(l.attrs, attrs)}
}

func (l *consoleLog) Handle(_ context.Context, r slog.Record) error {
	text, traceback := r.Message, ""
	tell := func(a slog.Attr) bool {
		switch a.Key {
		case "service", "instance":
		case "traceback":
			traceback = a.Value.String() + "\n"
		default:
			text += fmt.Sprintf(" %s=%s", a.Key, a.Value)
		}
		return true
	}
	for _, a := range l.attrs {
		tell(a)
	}
	r.Attrs(tell)
	_, err := fmt.Fprintf(l.out, "%s\n%s", text, traceback)
	return err
}

// historyFile is where the lines are kept that were typed; "": nowhere.
func historyFile() string {
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		state = home + "/.local/state"
	}
	dir := state + "/lapps"
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir + "/history"
}
