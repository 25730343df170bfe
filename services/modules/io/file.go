package io

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// A file is one of Lua's.
type file struct {
	lib  *library
	name string

	mu     sync.Mutex // held, in library.block, by who uses the file; guards the fields below
	f      *os.File
	r      *bufio.Reader // of f
	closed bool
}

func newFile(lib *library, name string, f *os.File) *file {
	return &file{lib: lib, name: name, f: f, r: bufio.NewReaderSize(f, 16<<10)}
}

var (
	errTooMuch = errors.New("more than 67108864 bytes at a time: read it in parts")
	errClosed  = errors.New("attempt to use a closed file")
)

// use has f used, while others of the instance go on.
func (f *file) use(L *lua.LState, do func() error) (err error) {
	err = f.lib.block(L, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.closed {
			return errClosed
		}
		return do()
	})
	if errors.Is(err, errClosed) || errors.Is(err, fs.ErrClosed) {
		L.RaiseError("%s", errClosed.Error())
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		path.Path = f.name // and not that within the grant
	}
	return err
}

// check is the first argument, a file.
func check(L *lua.LState) *file {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if f, ok := u.Value.(*file); ok {
			return f
		}
	}
	L.ArgError(1, "file expected, got "+L.Get(1).Type().String())
	return nil
}

// A format says what to read: a line, all, a number, or so many bytes.
type format struct {
	kind byte // l, a, n, or 0 for bytes
	n    int
}

// checkFormats are the arguments from the second on.
func checkFormats(L *lua.LState) (all []format) {
	for i := 2; i <= L.GetTop(); i++ {
		if n, ok := L.Get(i).(lua.LNumber); ok {
			if !(n >= 0 && n <= maxAtOnce) {
				L.ArgError(i, "must be between 0 and 67108864 bytes")
			}
			all = append(all, format{n: int(n)})
			continue
		}
		kind := strings.TrimPrefix(L.CheckString(i), "*")
		if kind == "" || !strings.ContainsRune("lan", rune(kind[0])) {
			L.ArgError(i, "invalid format")
		}
		all = append(all, format{kind: kind[0]})
	}
	if all == nil {
		all = []format{{kind: 'l'}}
	}
	return all
}

// read is f:read.
func read(L *lua.LState) int {
	f, formats := check(L), checkFormats(L)
	if len(formats) == 1 && formats[0].kind == 'l' {
		if line, ok := f.atHand(); ok {
			L.Push(lua.LString(line))
			return 1
		}
	}
	var values []any
	err := f.use(L, func() error {
		left := maxAtOnce
		for _, want := range formats {
			v, err := f.read(want, left)
			values = append(values, v)
			if s, ok := v.(string); ok {
				left -= len(s)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && err != io.EOF {
		return fail(L, err)
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			L.Push(lua.LString(v))
		case float64:
			L.Push(lua.LNumber(v))
		default:
			L.Push(lua.LNil)
		}
	}
	return len(values)
}

// atHand is the next line where it has been read already: nobody has to wait for it.
func (f *file) atHand() (line string, ok bool) {
	if !f.mu.TryLock() {
		return "", false
	}
	defer f.mu.Unlock()
	if f.closed {
		return "", false
	}
	buffered, _ := f.r.Peek(f.r.Buffered())
	end := bytes.IndexByte(buffered, '\n')
	if end < 0 {
		return "", false
	}
	line = string(buffered[:end])
	_, _ = f.r.Discard(end + 1) // they are there
	return line, true
}

// read reads one value, of at most so many bytes; nil and io.EOF where there is none.
func (f *file) read(want format, most int) (any, error) {
	switch want.kind {
	case 'l':
		return f.readLine(most)
	case 'n':
		return f.readNumber()
	case 'a':
		return f.readAll(most)
	}
	return f.readSome(min(want.n, most+1), most)
}

func (f *file) readLine(most int) (any, error) {
	var line []byte
	for {
		part, err := f.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(bytes.TrimSuffix(line, []byte("\n"))) > most:
			return nil, errTooMuch
		case err == nil:
			return string(line[:len(line)-1]), nil
		case err == io.EOF && len(line) > 0:
			return string(line), nil
		case err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}

// readAll reads what is left: "" at the end.
func (f *file) readAll(most int) (any, error) {
	v, err := f.readSome(most+1, most)
	if err == io.EOF {
		return "", nil
	}
	return v, err
}

// readSome reads n bytes, or less at the end.
func (f *file) readSome(n, most int) (any, error) {
	if _, err := f.r.Peek(1); err != nil {
		return nil, err
	}
	var b strings.Builder
	_, err := io.Copy(&b, io.LimitReader(f.r, int64(n)))
	switch {
	case err != nil:
		return nil, err
	case b.Len() > most:
		return nil, errTooMuch
	}
	return b.String(), nil
}

// readNumber reads a decimal number behind white space.
func (f *file) readNumber() (any, error) {
	var digits []byte
	for len(digits) < 200 {
		c, err := f.r.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(digits) == 0 && strings.IndexByte(" \t\r\n\v\f", c) >= 0 {
			continue
		}
		if strings.IndexByte("0123456789+-.eE", c) < 0 {
			_ = f.r.UnreadByte() // it has just been read
			break
		}
		digits = append(digits, c)
	}
	n, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return nil, io.EOF
	}
	return n, nil
}

// lines is f:lines.
func lines(L *lua.LState) int {
	L.Push(L.NewFunction(check(L).nextLine(false)))
	return 1
}

// nextLine is the iterator over lines. With last it closes the file at the end.
func (f *file) nextLine(last bool) lua.LGFunction {
	return func(L *lua.LState) int {
		line, ok := f.atHand()
		if ok {
			L.Push(lua.LString(line))
			return 1
		}
		var v any
		err := f.use(L, func() (err error) {
			if v, err = f.readLine(maxAtOnce); err != nil && last {
				err = errors.Join(err, f.close())
			}
			return err
		})
		switch s, ok := v.(string); {
		case ok:
			L.Push(lua.LString(s))
		case errors.Is(err, io.EOF):
			L.Push(lua.LNil)
		default:
			L.RaiseError("%s", text(err))
		}
		return 1
	}
}

// write is f:write.
func write(L *lua.LState) int {
	f := check(L)
	var parts []string
	for i, size := 2, 0; i <= L.GetTop(); i++ {
		s := L.CheckString(i)
		if size += len(s); size > maxAtOnce {
			L.ArgError(i, "more than 67108864 bytes at a time")
		}
		parts = append(parts, s)
	}
	return outcome(L, f.use(L, func() error {
		if err := f.settle(); err != nil {
			return err
		}
		_, err := io.WriteString(f.f, strings.Join(parts, "")) // no sooner: many may wait for their turn
		return err
	}))
}

// settle has the file's position be where Lua has read to.
func (f *file) settle() error {
	ahead := f.r.Buffered()
	if ahead == 0 {
		return nil
	}
	_, err := f.f.Seek(int64(-ahead), io.SeekCurrent)
	f.r.Reset(f.f)
	return err
}

// whences are what f:seek counts from.
var whences = map[string]int{"set": io.SeekStart, "cur": io.SeekCurrent, "end": io.SeekEnd}

// seek is f:seek.
func seek(L *lua.LState) int {
	f := check(L)
	whence, ok := whences[L.OptString(2, "cur")]
	if !ok {
		L.ArgError(2, "must be set, cur or end")
	}
	offset := L.OptInt64(3, 0)
	var at int64
	err := f.use(L, func() (err error) {
		if err = f.settle(); err == nil {
			at, err = f.f.Seek(offset, whence)
			f.r.Reset(f.f)
		}
		return err
	})
	if err != nil {
		return fail(L, err)
	}
	L.Push(lua.LNumber(at))
	return 1
}

// flush is f:flush: there is nothing to be done.
func flush(L *lua.LState) int { return outcome(L, check(L).use(L, func() error { return nil })) }

// closeFile is f:close and io.close.
func closeFile(L *lua.LState) int {
	f := check(L)
	return outcome(L, f.use(L, f.close))
}

// close closes the file. mu is held.
func (f *file) close() error {
	f.closed = true
	f.r.Reset(nil)
	return f.lib.close(f.f)
}

// typeOf is io.type.
func typeOf(L *lua.LState) int {
	L.CheckAny(1)
	u, _ := L.Get(1).(*lua.LUserData)
	if u == nil {
		L.Push(lua.LNil)
		return 1
	}
	f, ok := u.Value.(*file)
	switch {
	case !ok:
		L.Push(lua.LNil)
	case f.isClosed():
		L.Push(lua.LString("closed file"))
	default:
		L.Push(lua.LString("file"))
	}
	return 1
}

// isClosed reports whether f has been closed; not while another one uses it.
func (f *file) isClosed() bool {
	if !f.mu.TryLock() {
		return false
	}
	defer f.mu.Unlock()
	return f.closed
}

// describe is tostring(f).
func describe(L *lua.LState) int {
	f := check(L)
	if f.isClosed() {
		L.Push(lua.LString("file (closed)"))
		return 1
	}
	L.Push(lua.LString("file (" + f.name + ")"))
	return 1
}
