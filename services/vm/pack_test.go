package vm

import "testing"

func TestPack(t *testing.T) {
	in := start(t, `function all(...) local t = {} for i = 1, select("#", ...) do t[i] = tostring((select(i, ...))) end return table.concat(t, " ") end`, Config{})
	for source, result := range map[string]string{
		`return table.pack().n`:       "0",
		`return #table.pack()`:        "0",
		`return #table.pack(1, 2, 3)`: "3",
		`local t = table.pack(nil, "x", nil) return all(t.n, t[1], t[2], t[3])`:              "3 nil x nil",
		`local t = table.pack(nil, nil) return all(t.n, next(t))`:                            "2 n 2",
		`local t = table.pack(1, nil, 3, nil) return all(table.unpack(t, 1, t.n))`:           "1 nil 3 nil",
		`return all(table.unpack({1, 2, 3}))`:                                                "1 2 3",
		`return all(table.unpack({1, 2, 3}, 2))`:                                             "2 3",
		`return all(table.unpack({1, 2, 3}, 2, 4))`:                                          "2 3 nil",
		`return all(table.unpack({1, 2, 3}, -1, 1))`:                                         "nil nil 1",
		`return all(table.unpack({1, 2, 3}, 3, 2))`:                                          "",
		`local t = {} for i = 1, 32000 do t[i] = i end return table.pack(table.unpack(t)).n`: "32000",
		`local function f(...) return table.pack(...) end return f(f(1)).n`:                  "1",
	} {
		want(t, in, source, result)
	}
	for source, message := range map[string]string{
		`table.unpack({}, 1, 1e8)`:        "test:1: too many results to unpack",
		`table.unpack({}, -1e300, 1e300)`: "test:1: too many results to unpack",
		`table.unpack(nil)`:               "test:1: bad argument #1 to unpack (table expected, got nil)",
		`table.unpack({}, "x")`:           "test:1: bad argument #2 to unpack (number expected, got string)",
	} {
		if _, err := eval(t, in, source); err == nil || err.Error() != message {
			t.Errorf("%s: got %v, want %s", source, err, message)
		}
	}
}
