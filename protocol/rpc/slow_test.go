package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// This file is the plain twin of everything in the package. It aims for
// readability above speed: fxamacker/cbor makes a tree of the whole message, and
// the rules of SPEC.md are asked of the tree. It shares nothing with the package
// but the limits and the codes.

// A float is the bits of a number; there is one NaN. So trees can be compared.
type float uint64

func floatOf(v float64) float {
	if math.IsNaN(v) {
		v = math.NaN()
	}
	return float(math.Float64bits(v))
}

// A blob is a byte string.
type blob string

// tree is nil, bool, int64, uint64 (above math.MaxInt64), float, string, blob,
// []tree or map[string]tree.
type tree = any

var slowMode = func() cbor.DecMode {
	known, err := cbor.NewSimpleValueRegistryFromDefaults(cbor.WithRejectedSimpleValue(23))
	if err != nil {
		panic(err)
	}
	m, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8RejectInvalid,
		IntDec:           cbor.IntDecConvertNone,
		SimpleValues:     known,
		MaxNestedLevels:  MaxDepth,
		MaxArrayElements: MaxItems,
		MaxMapPairs:      MaxItems,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// slowDecode returns the value of a message (section 2).
func slowDecode(p string) (tree, error) {
	var v any
	if err := slowMode.Unmarshal([]byte(p), &v); err != nil {
		return nil, err
	}
	items := 0
	t, err := plant(v, &items)
	if err == nil && items > MaxItems {
		err = fmt.Errorf("%d items", items)
	}
	return t, err
}

// plant makes a tree of what fxamacker has decoded, and counts its items.
func plant(v any, items *int) (t tree, err error) {
	*items++
	switch v := v.(type) {
	case nil, bool, int64, string:
		return v, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return v, nil
	case float64:
		return floatOf(v), nil
	case []byte:
		return blob(v), nil
	case []any:
		list := make([]tree, len(v))
		for i := range v {
			if list[i], err = plant(v[i], items); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[any]any:
		m := make(map[string]tree, len(v))
		for k, item := range v {
			key, ok := k.(string)
			if !ok {
				return nil, fmt.Errorf("a key is a %T", k)
			}
			*items++
			if m[key], err = plant(item, items); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return nil, fmt.Errorf("a %T is no value", v)
}

// slowInteger is the whole number that t stands for (section 2.2).
func slowInteger(t tree) (n int64, ok bool) {
	switch t := t.(type) {
	case int64:
		return t, true
	case float:
		f := math.Float64frombits(uint64(t))
		if math.Abs(f) <= 1<<53 && f == math.Floor(f) {
			return int64(f), true
		}
	}
	return 0, false
}

// A slowRequest is a message from a client as section 3.1 has it.
type slowRequest struct {
	method       string
	params       []tree // nil: none
	notification bool
	cid          int64
}

func slowParseRequest(p string) (r slowRequest, code Code) {
	t, err := slowDecode(p)
	if err != nil {
		return r, ParseError
	}
	m, ok := t.(map[string]tree)
	if !ok {
		return r, InvalidRequest
	}
	version, ok := slowInteger(m["lapps"])
	if !ok || version != 1 {
		return r, InvalidRequest
	}
	r.method, ok = m["method"].(string)
	if !ok || r.method == "" || strings.HasPrefix(r.method, "_") || strings.ContainsRune(r.method, '.') {
		return r, InvalidRequest
	}
	if list, ok := m["params"].([]tree); ok && len(list) > 0 {
		r.params = list
	}
	if cid, ok := m["cid"]; ok {
		r.notification = true
		if r.cid, ok = slowInteger(cid); !ok || r.cid < 0 || r.cid > 1<<53 {
			return r, InvalidRequest
		}
	}
	return r, 0
}

var errReply = errors.New("not a reply")

// slowParseReply says what a message from a server is (section 3.2).
func slowParseReply(t tree) (Kind, error) {
	m, _ := t.(map[string]tree)
	cid, ok := slowInteger(m["cid"])
	if !ok || cid < 0 || cid > 1<<53 {
		return 0, errReply
	}
	status, ok := slowInteger(m["status"])
	if _, present := m["status"]; present && (!ok || status != 0 && status != 1) {
		return 0, errReply
	}
	kind, wanted := Kind(0), ""
	switch {
	case ok && status == 0:
		e, _ := m["error"].(map[string]tree)
		_, code := slowInteger(e["code"])
		_, message := e["message"].(string)
		if !code || !message {
			return 0, errReply
		}
		if cid > 0 {
			return ChannelFailure, nil
		}
		return Failure, nil
	case cid > 0:
		kind, wanted = Notification, "message"
	case ok:
		kind, wanted = Result, "result"
	}
	if _, ok := m[wanted].([]tree); !ok {
		return 0, errReply
	}
	return kind, nil
}

// slowEncode is the CBOR of t; members are in the order of their encoded keys.
func slowEncode(t tree) string {
	p, err := slowEncMode.Marshal(harvest(t))
	if err != nil {
		panic(err) // there is no tree without a form
	}
	return string(p)
}

var slowEncMode = func() cbor.EncMode {
	m, err := cbor.EncOptions{
		Sort:          cbor.SortBytewiseLexical,
		ShortestFloat: cbor.ShortestFloat16,
		NaNConvert:    cbor.NaNConvert7e00,
		InfConvert:    cbor.InfConvertFloat16,
	}.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// harvest makes of t what fxamacker encodes.
func harvest(t tree) any {
	switch t := t.(type) {
	case float:
		return math.Float64frombits(uint64(t))
	case blob:
		return []byte(t)
	case []tree:
		list := make([]any, len(t))
		for i := range t {
			list[i] = harvest(t[i])
		}
		return list
	case map[string]tree:
		m := make(map[string]any, len(t))
		for k, v := range t {
			m[k] = harvest(v)
		}
		return m
	}
	return t
}

// tell tells b what t is, members in the order of slowEncode.
func tell(t tree, b Builder) {
	switch t := t.(type) {
	case nil:
		b.Null()
	case bool:
		b.Bool(t)
	case int64:
		b.Int(t)
	case uint64:
		b.Uint(t)
	case float:
		b.Float(math.Float64frombits(uint64(t)))
	case string:
		b.Text(t)
	case blob:
		b.Bytes(string(t))
	case []tree:
		b.Array(len(t))
		for _, v := range t {
			tell(v, b)
		}
		b.End()
	case map[string]tree:
		b.Map(len(t))
		for _, k := range sortedKeys(t) {
			b.Key(k)
			tell(t[k], b)
		}
		b.End()
	}
}

// sortedKeys returns m's keys, short ones first: so their CBOR is in order.
func sortedKeys(m map[string]tree) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	return keys
}

// A planter is a Builder that makes a tree. It also holds callers to what a
// Builder may expect of them.
type planter struct {
	open []pot
	root tree
	done bool
}

// A pot is an array or a map that is not ended.
type pot struct {
	n     int // as announced
	list  []tree
	m     map[string]tree // nil: an array
	key   string
	keyed bool // a value is due
}

// walk returns the tree that Walk tells of.
func walk(p string) tree {
	var b planter
	Walk(p, &b)
	return b.take()
}

func (b *planter) take() tree {
	if !b.done || len(b.open) > 0 {
		panic("the value is not finished")
	}
	return b.root
}

func (b *planter) add(t tree) {
	if b.done {
		panic("there is a value already")
	}
	if len(b.open) == 0 {
		b.root, b.done = t, true
		return
	}
	top := &b.open[len(b.open)-1]
	if top.m == nil {
		top.list = append(top.list, t)
		return
	}
	if !top.keyed {
		panic("a value without a key")
	}
	top.m[top.key], top.keyed = t, false
}

func (b *planter) Null()           { b.add(nil) }
func (b *planter) Bool(v bool)     { b.add(v) }
func (b *planter) Int(v int64)     { b.add(v) }
func (b *planter) Float(v float64) { b.add(floatOf(v)) }
func (b *planter) Text(s string)   { b.add(s) }
func (b *planter) Bytes(s string)  { b.add(blob(s)) }
func (b *planter) Array(n int)     { b.open = append(b.open, pot{n: n, list: []tree{}}) }
func (b *planter) Map(n int)       { b.open = append(b.open, pot{n: n, m: map[string]tree{}}) }

func (b *planter) Uint(v uint64) {
	if v <= math.MaxInt64 {
		panic("this integer is Int's")
	}
	b.add(v)
}

func (b *planter) Key(s string) {
	top := &b.open[len(b.open)-1]
	if _, twice := top.m[s]; top.m == nil || top.keyed || twice {
		panic("a key that should not be here: " + s)
	}
	top.key, top.keyed = s, true
}

func (b *planter) End() {
	top := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	if n := len(top.list) + len(top.m); top.keyed || top.n >= 0 && top.n != n {
		panic(fmt.Sprintf("%d were announced, %d came", top.n, n))
	}
	if top.m != nil {
		b.add(top.m)
	} else {
		b.add(top.list)
	}
}
