package services

import (
	"fmt"
	"slices"
	"strings"
)

// A catalog is the services that there are at a time, and what they have to do with
// each other. It is immutable: who changes it makes another.
type catalog struct {
	all     []*Service          // in order of their names
	byName  map[string]*Service // the same
	targets map[string]*Service // by request target, those that have one
	links   map[*Service]*links
}

// links are what a service has to do with others.
type links struct {
	needs    []*Service // what Depends names
	neededBy []*Service // the other way round
	above    int        // services that depend on each other and, at last, on this one: how many at most
	below    int        // the other way round
}

// newCatalog is the catalog of services. Two of the same name or request target,
// and what link says, are errors.
func newCatalog(all []*Service) (*catalog, error) {
	c := &catalog{
		all:     slices.Clone(all),
		byName:  make(map[string]*Service, len(all)),
		targets: make(map[string]*Service, len(all)),
		links:   make(map[*Service]*links, len(all)),
	}
	for _, s := range all {
		if c.byName[s.Name] != nil {
			return nil, fmt.Errorf("services: %s: there are two services of this name", s.Name)
		}
		c.byName[s.Name], c.links[s] = s, new(links)
		if s.Standalone {
			continue
		}
		if other := c.targets[s.RequestTarget]; other != nil {
			return nil, fmt.Errorf("services: %s: request target %q is that of %s", s.Name, s.RequestTarget, other.Name)
		}
		c.targets[s.RequestTarget] = s
	}
	slices.SortFunc(c.all, func(a, b *Service) int { return strings.Compare(a.Name, b.Name) })
	return c, c.link()
}

// without is the catalog without s. That others depend on it is an error.
func (c *catalog) without(s *Service) (*catalog, error) {
	return newCatalog(slices.DeleteFunc(slices.Clone(c.all), func(o *Service) bool { return o == s }))
}

// with is the catalog with s in it, in place of the one of its name, if there is any.
func (c *catalog) with(s *Service) (*catalog, error) {
	others := slices.DeleteFunc(slices.Clone(c.all), func(o *Service) bool { return o.Name == s.Name })
	return newCatalog(append(others, s)) // last: what is wrong is about s
}
