// Package process runs the servers that are measured, and reads what they
// use: processor time and memory, from outside, so that any server in any
// language is measured alike.
//
//	addr, err := process.FreeAddr()
//	p, err := process.Start(ctx, process.Command{Line: "gnetecho -addr {addr}", Addr: addr})
//	before, err := process.CPU(p.PID())
//	…
//	after, err := process.CPU(p.PID())
//	err = p.Stop()
//
// A server may be several processes (nginx and its workers, a shell and what
// it started): CPU and RSS sum over the process and its living descendants.
//
// The package sends no signal but SIGTERM, and after Grace SIGKILL, and those
// only to processes it started. It works on Linux only.
package process
