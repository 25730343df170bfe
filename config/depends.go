package config

import (
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// A dependent is a service in the graph of who depends on whom.
type dependent struct {
	serviceNode
	on   []dependency // each service once
	next int          // of on, which is looked at next

	// Where it is in the walk:
	//
	//	      found                all it depends on seen
	//	0 ------------> 1, 2, 3 … -----------------------> done
	//	                its place on the stack
	place int
}

const done = -1

// A dependency is one element of a list depends.
type dependency struct {
	service int // index in the graph
	element int // index in the list
	offset  int
}

// dependencies finds services that depend on each other, each such circle
// once, and reports names that no other service has. The work is linear: a
// file may have as many services as it has room for.
func (c *checker) dependencies(services []serviceNode, stray report) {
	graph := dependencyGraph(services, stray)
	for i := range graph {
		if graph[i].place == 0 {
			c.findCircles(graph, i)
		}
	}
}

// dependencyGraph returns all services with what they depend on.
func dependencyGraph(services []serviceNode, stray report) []dependent {
	graph := make([]dependent, len(services))
	index := make(map[string]int, len(services))
	for i, s := range services {
		graph[i].serviceNode = s
		index[s.name] = i
	}
	for i := range graph {
		if list, ok := valueOf(graph[i].value, "depends").(*hujson.Array); ok {
			graph[i].on = dependencies(graph, index, i, list, stray)
		}
	}
	return graph
}

// dependencies returns what service i depends on, as its list says.
func dependencies(graph []dependent, index map[string]int, i int, list *hujson.Array, stray report) (on []dependency) {
	has := make(map[int]bool)
	for e := range list.Elements {
		v := &list.Elements[e]
		name, ok := text(v)
		if !ok {
			continue
		}
		to, known := index[name]
		switch {
		case !known:
			stray(v.StartOffset, elementPath(graph[i].path, e), "must be the name of a service, and there is no %s", quote(name))
		case to == i:
			stray(v.StartOffset, elementPath(graph[i].path, e), "must be the name of another service, not the service's own")
		case !has[to]:
			has[to] = true
			on = append(on, dependency{to, e, v.StartOffset})
		}
	}
	return on
}

// elementPath returns the path of an element of a service's list.
func elementPath(service string, element int) string {
	return fmt.Sprintf("%s.depends[%d]", service, element)
}

// findCircles walks depth first from a service that has not been seen. What
// it depends on and stands on the stack depends on it.
func (c *checker) findCircles(graph []dependent, from int) {
	stack := []int{from}
	graph[from].place = 1
	for len(stack) > 0 && !c.full() {
		s := &graph[stack[len(stack)-1]]
		if s.next == len(s.on) {
			s.place = done
			stack = stack[:len(stack)-1]
			continue
		}
		to := s.on[s.next].service
		s.next++
		switch place := graph[to].place; {
		case place == 0:
			stack = append(stack, to)
			graph[to].place = len(stack)
		case place != done:
			c.circle(graph, stack[place-1:])
		}
	}
}

// circle notes that services depend on each other, at the first of them. Long
// circles are shortened.
func (c *checker) circle(graph []dependent, services []int) {
	const head, tail = 5, 3
	end := services
	var names []string
	if left := len(services) - head - tail; left > 1 {
		for _, s := range services[:head] {
			names = append(names, printable(graph[s].name))
		}
		names = append(names, fmt.Sprintf("… (%d more)", left))
		end = services[len(services)-tail:]
	}
	for _, s := range end {
		names = append(names, printable(graph[s].name))
	}
	first := &graph[services[0]]
	names = append(names, printable(first.name))
	d := first.on[first.next-1]
	c.add(d.offset, elementPath(first.path, d.element), "services depend on each other: %s", strings.Join(names, " -> "))
}
