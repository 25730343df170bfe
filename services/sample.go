package services

// A Sample is what a service is doing and has done, at a moment. Each number is exact, but
// they are not all of one moment; what was sent is counted at the end of each turn. What is
// counted is of all versions of the service and of all instances that there have been since
// the process has started; only a service that is removed takes it along.
type Sample struct {
	Name        string
	Version     string // of the bundle that the service came in; "": it came in none
	State       string // see Service.State
	Standalone  bool
	Connections int    // that have a seat, or are joining: with old versions, too
	Connected   uint64 // that were given a seat, ever
	Traffic

	Queued      int   // events in mailboxes
	QueuedBytes int   // of their data
	OutboxBytes int64 // that wait for peers to read, as Config.OutboxBytes counts them

	Errors   uint64 // of Lua that were not caught, ever
	Panics   uint64 // of these: of Go
	Failures uint64 // how often run has failed, ever
	Replaced uint64 // instances, ever
	Dropped  uint64 // messages that were dropped because peers read too slowly, ever

	Instances []InstanceSample // those that have not ended, in the order in which they were started
}

// What a service is doing, besides StateRunning and StateStopping.
const (
	StateStopped  = "stopped"
	StateFailing  = "failing"  // run has failed in one of its instances, and waits to be called again
	StateFinished = "finished" // run has returned in all of them
)

// State says what the service is doing: StateRunning, StateStopping, StateStopped, StateFailing or
// StateFinished.
func (s *Service) State() string {
	all := s.running.Load()
	switch {
	case s.entry.Load() == entryShut:
		return StateStopping
	case all == nil:
		return StateStopped
	case s.Standalone && len(*all) > 0:
		return stateOfPrograms(*all)
	}
	return StateRunning
}

// What an instance that has not ended is doing.
const (
	StateStarting = "starting"
	StateRunning  = "running"
	StateStopping = "stopping"
	StateLeaving  = "leaving"  // another version has taken its service's place
	StateReplaced = "replaced" // it did not return, or kept too much memory
)

// An InstanceSample is that of an instance, since it was started.
type InstanceSample struct {
	ID          string // Lua's instance_id
	Version     string // of the service
	State       string // StateStarting, …
	Connections int    // that have a seat, or are joining
	Connected   uint64 // that were given a seat, ever
	Traffic

	Queued      int   // events in the mailbox
	QueuedBytes int   // of their data
	OutboxBytes int64 // that wait for its peers to read

	Errors uint64 // of Lua that were not caught
	Panics uint64 // of these: of Go
}

// Sample returns those of all services, in order of their names. It looks at each connection
// once, for what waits in its outbox, and locks one at a time. Any goroutine.
func (r *Registry) Sample() []Sample {
	waiting := make(map[*instance]int64)
	r.handlers.each(func(s *Seat) {
		if n, err := s.peer.Buffered(); err == nil && n > 0 {
			waiting[s.in] += int64(n)
		}
	})
	seats := make(map[*account]int)
	for _, s := range r.present() {
		seats[s.account] += s.Seats()
	}
	all := make([]Sample, 0, len(r.Services()))
	for _, s := range r.Services() {
		sample := s.sample(waiting)
		sample.Connections = seats[s.account]
		all = append(all, sample)
	}
	return all
}

// sample is the service's, but for Connections. waiting are the bytes in outboxes.
func (s *Service) sample(waiting map[*instance]int64) Sample {
	a := s.account
	instances, past := a.read()
	sum := Sample{
		Name:       s.Name,
		Version:    s.Version,
		State:      s.State(),
		Standalone: s.Standalone,
		Connected:  a.connections.Load(),
		Traffic:    past,
		Errors:     a.errors.Load(),
		Panics:     a.panics.Load(),
		Failures:   a.failures.Load(),
		Replaced:   a.replaced.Load(),
		Dropped:    a.dropped.Load(),
		Instances:  make([]InstanceSample, 0, len(instances)),
	}
	for _, in := range instances {
		one := in.sample()
		one.OutboxBytes = waiting[in]
		sum.Traffic.add(one.Traffic)
		sum.Queued += one.Queued
		sum.QueuedBytes += one.QueuedBytes
		sum.OutboxBytes += one.OutboxBytes
		sum.Instances = append(sum.Instances, one)
	}
	return sum
}

// sample is the instance's, but for OutboxBytes.
func (in *instance) sample() InstanceSample {
	st := in.vm.Stats()
	return InstanceSample{
		ID:          in.id(),
		Version:     in.service.Version,
		State:       in.state(),
		Connections: int(in.seats.Load()),
		Connected:   in.connected.Load(),
		Traffic:     in.traffic(),
		Queued:      st.Queued,
		QueuedBytes: st.QueuedBytes,
		Errors:      in.errors.Load(),
		Panics:      in.panics.Load(),
	}
}

func (in *instance) state() string {
	switch {
	case in.retired.Load():
		return StateReplaced
	case in.service.entry.Load() == entryReplaced:
		return StateLeaving
	case in.service.Running():
		return StateRunning
	case in.vm.Halted():
		return StateStopping
	}
	return StateStarting
}
