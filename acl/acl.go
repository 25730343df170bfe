// Package acl decides which addresses may connect.
//
// A List is a policy and its exceptions: the policy is the default decision,
// the excluded prefixes are decided the other way.
//
//	policy   address matches an exception   it does not
//	allow    refused                        allowed
//	deny     allowed                        refused
//
// The order of calls: Parse reads the configuration's words at start and
// reports every bad entry at once; Allows is then asked for each peer, from
// any goroutine, and costs some tens of nanoseconds and no allocation however
// long the list is. Two lists stand in front of a service, the server's and
// its own: both must allow, and asking both is the caller's business.
//
// What an exception matches is exactly what it says. An address without a
// length is that one address. The order of entries, duplicates and prefixes
// within prefixes make no difference. IPv4 and IPv6 are separate worlds:
// 0.0.0.0/0 is every IPv4 address, ::/0 every IPv6 address, and everything is
// both. A v4-mapped IPv6 address (::ffff:192.0.2.1), which is how a
// dual-stack socket shows an IPv4 peer, counts as the IPv4 address, in the
// list and at the door. Zones (fe80::1%eth0) are refused in the list and
// ignored at the door, since a peer's zone names an interface of ours.
//
// Deliberately missing: names (an address list must not wait for DNS, nor
// change with it), ports, ranges that are no prefix, and reloading: a new
// configuration is a new List.
package acl

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
)

// A Policy is what a List decides for addresses it does not name. The zero
// Policy is Allow.
type Policy bool

// The policies, "allow" and "deny" in the configuration.
const (
	Allow Policy = false
	Deny  Policy = true
)

// String returns "allow" or "deny".
func (p Policy) String() string {
	if p == Deny {
		return "deny"
	}
	return "allow"
}

// A List says who may connect. The zero List and a nil *List allow every
// address. Lists are immutable and safe for concurrent use.
type List struct {
	policy Policy
	// table holds the exceptions; IPv4 ones unmapped. Nil where there are
	// none; never modified once the List is built.
	table *bart.Lite
}

// New returns the List of a policy and its exceptions, as ParsePrefix returns
// them. It panics where a prefix is invalid, has host bits set or is
// v4-mapped: such a prefix would match something else than it says.
func New(policy Policy, exclude ...netip.Prefix) *List {
	l := &List{policy: policy}
	if len(exclude) == 0 {
		return l
	}
	l.table = new(bart.Lite)
	for _, p := range exclude {
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			panic(fmt.Sprintf("acl: New: bad prefix %s", p))
		}
		l.table.Insert(p)
	}
	return l
}

// Parse returns the List of the configuration's words: policy is "allow" or
// "deny", and each entry of exclude is what ParsePrefix takes. Its error joins
// all mistakes: one for the policy, and an *EntryError for every bad entry.
// Parse does not retain exclude.
func Parse(policy string, exclude []string) (*List, error) {
	var errs []error
	if policy != Allow.String() && policy != Deny.String() {
		errs = append(errs, fmt.Errorf(`acl: policy must be "allow" or "deny", not %.64q`, policy))
	}
	prefixes := make([]netip.Prefix, len(exclude))
	for i, entry := range exclude {
		p, msg := parsePrefix(entry)
		if msg != "" {
			errs = append(errs, &EntryError{Index: i, Entry: entry, Msg: msg})
		}
		prefixes[i] = p
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return New(policy == Deny.String(), prefixes...), nil
}

// Allows reports whether a may connect. A v4-mapped address counts as the
// IPv4 address, and a zone is ignored. The zero Addr, a peer whose address is
// not known, is refused by every list but one that allows all: no policy and
// no exception can be said to mean it.
func (l *List) Allows(a netip.Addr) bool {
	switch {
	case l == nil:
		return true
	case l.table == nil:
		return l.policy == Allow
	case !a.IsValid():
		return false
	}
	return l.table.Contains(a.Unmap()) == (l.policy == Deny)
}

// shown is how many exceptions String names.
const shown = 8

// String describes the list for people, sorted and shortened:
// "allow all but 10.0.0.0/8, 192.0.2.1/32".
func (l *List) String() string {
	if l == nil {
		return "allow all"
	}
	var b strings.Builder
	b.WriteString(l.policy.String() + " all")
	if l.table == nil {
		return b.String()
	}
	sep, n := " but ", 0
	for p := range l.table.AllSorted() {
		if n == shown {
			fmt.Fprintf(&b, " and %d more", l.table.Size()-shown)
			break
		}
		b.WriteString(sep + p.String())
		sep = ", "
		n++
	}
	return b.String()
}
