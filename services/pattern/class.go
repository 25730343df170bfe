package pattern

// classes are the classes of bytes by their letters, those in capitals the others'
// complements; nil: no class has this letter.
var classes = makeClasses()

func makeClasses() (all [256]*set) {
	is := map[byte]func(b byte) bool{
		'a': func(b byte) bool { return lower(b) || upper(b) },
		'c': func(b byte) bool { return b < ' ' || b == 127 },
		'd': digit,
		'l': lower,
		'p': func(b byte) bool { return b > ' ' && b < 127 && !lower(b) && !upper(b) && !digit(b) },
		's': func(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' },
		'u': upper,
		'w': func(b byte) bool { return lower(b) || upper(b) || digit(b) },
		'x': func(b byte) bool { return digit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' },
		'z': func(b byte) bool { return b == 0 },
	}
	for letter, has := range is {
		var s set
		for b := range 256 {
			if has(byte(b)) {
				s.add(byte(b))
			}
		}
		others := s
		others.invert()
		all[letter], all[letter-'a'+'A'] = &s, &others
	}
	return all
}

func lower(b byte) bool { return b >= 'a' && b <= 'z' }
func upper(b byte) bool { return b >= 'A' && b <= 'Z' }
func digit(b byte) bool { return b >= '0' && b <= '9' }
