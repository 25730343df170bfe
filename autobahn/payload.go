package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
)

// The files of groups 12 and 13: like those of the suite in kind, size and
// compressibility, but made, always the same. The sizes are the suite's.
var (
	jsonFile   = &File{Name: "JSON", Text: true, make: func() []byte { return makeJSON(194056) }}
	bitmapFile = &File{Name: "a grey-scale bitmap", make: func() []byte { return makeBitmap(512, 512) }}
	proseFile  = &File{Name: "German prose", make: func() []byte { return makeProse(222218) }}
	htmlFile   = &File{Name: "HTML", Text: true, make: func() []byte { return makeHTML(263647) }}
	pdfFile    = &File{Name: "PDF", make: func() []byte { return makePDF(1042328) }}
)

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7692)) }

func pick(r *rand.Rand, words []string) string { return words[r.IntN(len(words))] }

// makeJSON is a list of readings, indented as tools do it, of which most are
// alike.
func makeJSON(size int) []byte {
	r := dice(1)
	var b bytes.Buffer
	b.WriteString("{\n    \"readings\": [\n")
	const end = "        {}\n    ]\n}\n"
	states := []string{"ok", "ok", "ok", "ok", "ok", "late", "lost"}
	for id := 1000; ; id++ {
		record := fmt.Sprintf("        {\n            \"id\": %d,\n            \"state\": %q,\n            \"value\": %d.0,\n", id, pick(r, states), 20+r.IntN(4))
		for _, key := range []string{"wind", "rain", "snow", "hail"} {
			record += fmt.Sprintf("            %q: [\n%s            ],\n", key, strings.Repeat("                0.0,\n", 11)+"                0.0\n")
		}
		record += "            \"checked\": true\n        },\n"
		if b.Len()+len(record)+len(end) > size {
			break
		}
		b.WriteString(record)
	}
	b.WriteString(strings.Repeat(" ", size-len(end)-b.Len()))
	b.WriteString(end)
	return b.Bytes()
}

// makeBitmap is a BMP of 256 greys: a slope with noise on it, as of a
// photograph in poor light.
func makeBitmap(width, height int) []byte {
	const header = 14 + 40 + 256*4
	b := make([]byte, 0, header+width*height)
	b = append(b, "BM"...)
	for _, v := range []int{header + width*height, 0, header, 40, width, height, 1 | 8<<16, 0, width * height, 2835, 2835, 256, 256} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	for grey := range 256 {
		b = append(b, byte(grey), byte(grey), byte(grey), 0)
	}
	r := dice(2)
	for y := range height {
		for x := range width {
			v := 64 + 128*(x+y)/(width+height) + int(r.NormFloat64()*21)
			b = append(b, byte(max(0, min(v, 255))))
		}
	}
	return b
}

// makeHTML is a page with a long table, and 27 characters that are not ASCII.
func makeHTML(size int) []byte {
	const special = 27
	r := dice(4)
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>Lager</title></head>\n<body>\n<table class=\"stock\">\n")
	const end = "</table>\n</body>\n</html>\n"
	for n := 0; ; n++ {
		name := pick(r, []string{"Schraube", "Mutter", "Scheibe", "Bolzen"})
		if n%15 == 7 && n/15 < special {
			name = "D\u00fcbel"
		}
		row := fmt.Sprintf("    <tr class=\"row\">\n        <td class=\"number\">%d</td>\n        <td class=\"name\">%s</td>\n        <td class=\"count\">%d</td>\n"+
			"        <td class=\"action\"><a class=\"button\" href=\"#order\" title=\"order this\">order this</a></td>\n"+
			"        <td class=\"action\"><a class=\"button\" href=\"#remove\" title=\"remove this\">remove this</a></td>\n    </tr>\n",
			5000+n, name, r.IntN(10))
		if b.Len()+len(row)+len(end) > size {
			break
		}
		b.WriteString(row)
	}
	b.WriteString(strings.Repeat("\n", size-len(end)-b.Len()))
	b.WriteString(end)
	return b.Bytes()
}

// makePDF is objects of compressed streams, which are as good as random, and
// the words between them.
func makePDF(size int) []byte {
	r := dice(5)
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for object := 1; b.Len() < size-size/5; object++ {
		offsets = append(offsets, b.Len())
		stream := make([]byte, 1200+r.IntN(400))
		for i := range stream {
			stream[i] = byte(r.Uint32())
		}
		fmt.Fprintf(&b, "%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n", object, len(stream), stream)
		b.WriteString("<< /Type /Page /Parent 1 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 2 0 R >> >> >>\n")
	}
	fmt.Fprintf(&b, "xref\n0 %d\n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	b.WriteString("trailer\n%%EOF\n")
	return append(b.Bytes(), make([]byte, size-b.Len())...)
}
