package main

import "fmt"

// deflateRow is what the last number of an ID of groups 12 and 13 says.
type deflateRow struct {
	size, fragment int
	seconds        float64
}

var deflateRows = []deflateRow{
	{16, 0, 60}, {64, 0, 60}, {256, 0, 120}, {1 * kib, 0, 240}, {4 * kib, 0, 480},
	{8 * kib, 0, 480}, {16 * kib, 0, 480}, {32 * kib, 0, 480}, {64 * kib, 0, 480}, {128 * kib, 0, 480},
	{8 * kib, 256, 480}, {16 * kib, 256, 480}, {32 * kib, 256, 480}, {64 * kib, 256, 480}, {128 * kib, 256, 480},
	{128 * kib, 1 * kib, 480}, {128 * kib, 4 * kib, 480}, {128 * kib, 32 * kib, 480},
}

// usualOffer is the offer of group 12, and how all others begin.
const usualOffer = "permessage-deflate; client_no_context_takeover; client_max_window_bits"

// deflatePayloads is group 12: the same offer, different files.
func deflatePayloads() []Case {
	var cases []Case
	for i, kind := range []struct {
		op   Op
		file *File
	}{
		{opText, jsonFile}, {opBin, bitmapFile}, {opBin, proseFile}, {opText, htmlFile}, {opBin, pdfFile},
	} {
		cases = append(cases, deflateCases(fmt.Sprintf("12.%d.", i+1), kind.op, kind.file, usualOffer)...)
	}
	return cases
}

// deflateOffers is group 13: the same file, different offers.
func deflateOffers() []Case {
	const noContext = "; server_no_context_takeover"
	var cases []Case
	for i, offer := range []string{
		usualOffer,
		usualOffer + noContext,
		usualOffer + "; server_max_window_bits=9",
		usualOffer + "; server_max_window_bits=15",
		usualOffer + noContext + "; server_max_window_bits=9",
		usualOffer + noContext + "; server_max_window_bits=15",
		usualOffer + noContext + "; server_max_window_bits=9, " + usualOffer + noContext + ", " + usualOffer,
	} {
		cases = append(cases, deflateCases(fmt.Sprintf("13.%d.", i+1), opText, jsonFile, offer)...)
	}
	return cases
}

func deflateCases(prefix string, op Op, file *File, offer string) []Case {
	var cases []Case
	for i, row := range deflateRows {
		what := fmt.Sprintf("compressed messages of %d octets of %s", row.size, file.Name)
		if row.fragment > 0 {
			what += fmt.Sprintf(", in frames of at most %d", row.fragment)
		}
		cases = append(cases, Case{
			ID: fmt.Sprint(prefix, i+1), What: what, Offer: offer,
			Trips:   &Trips{Op: op, File: file, Size: row.size, Fragment: row.fragment},
			Closing: normal, Timer: closeAfter(row.seconds),
		})
	}
	return cases
}
