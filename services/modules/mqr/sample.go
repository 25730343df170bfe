package mqr

import (
	"cmp"
	"maps"
	"slices"
)

// A Sample is what a queue held at a moment.
type Sample struct {
	Name     string
	Messages int    // that it holds
	Bytes    int64  // of their values, about
	Accepted uint64 // messages, ever

	// Who waits: posts for room, and receivers for messages.
	Posters, Receivers int
}

// Sample returns those of at most n queues: where there are more the fullest, those of most
// messages first. all is how many queues there are.
func (qs *Queues) Sample(n int) (some []Sample, all int) {
	qs.mu.Lock()
	queues := slices.Collect(maps.Values(qs.byName))
	qs.mu.Unlock()
	some = make([]Sample, 0, len(queues))
	for _, q := range queues {
		some = append(some, q.sample())
	}
	slices.SortFunc(some, func(a, b Sample) int {
		return cmp.Or(-cmp.Compare(a.Messages, b.Messages), -cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Name, b.Name))
	})
	return slices.Clone(some[:min(n, len(some))]), len(queues)
}

// Held is how many bytes all queues hold, and the posts that wait, about.
func (qs *Queues) Held() int64 { return qs.held.Load() }

func (q *queue) sample() Sample {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Sample{
		Name: q.name, Messages: q.messages.len(), Bytes: q.bytes, Accepted: q.accepted,
		Posters: q.posters.Len(), Receivers: q.receivers.Len(),
	}
}
