package main

import (
	"math/rand/v2"
	"strings"
)

// makeProse is sentences in a small German grammar, as UTF-8: subject, verb,
// object, place, in one of a few orders.
func makeProse(size int) []byte {
	r := dice(3)
	var b strings.Builder
	for column := 0; b.Len() < size+1; {
		for word := range strings.FieldsSeq(sentence(r)) {
			if column > 0 && column+len(word) > 72 {
				b.WriteByte('\n')
				column = 0
			} else if column > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(word)
			column += len(word) + 1
		}
		if r.IntN(9) == 0 {
			b.WriteString("\n\n")
			column = 0
		}
	}
	return []byte(b.String()[:size])
}

func sentence(r *rand.Rand) string {
	subject, object := noun(r, "Der ", "Die ", "Das "), noun(r, "den ", "die ", "das ")
	verb, place := pick(r, verbs), pick(r, places)
	var s string
	switch r.IntN(4) {
	case 0:
		s = subject + " " + verb + " " + object + " " + place
	case 1:
		s = upper(place) + " " + verb + " " + lower(subject) + " " + object
	case 2:
		s = upper(pick(r, adverbs)) + " " + verb + " " + lower(subject) + " " + place + " " + object
	default:
		s = subject + " " + verb + " " + pick(r, adverbs) + " " + object + ", " + pick(r, clauses)
	}
	return s + "."
}

// noun is an article, maybe an adjective, and a noun, often a compound.
func noun(r *rand.Rand, masculine, feminine, neuter string) string {
	article, gender := masculine, masculines
	switch r.IntN(3) {
	case 0:
		article, gender = feminine, feminines
	case 1:
		article, gender = neuter, neuters
	}
	s := pick(r, gender)
	if r.IntN(2) == 0 {
		s = pick(r, stems) + strings.ToLower(s)
	}
	if r.IntN(2) == 0 {
		adjective := pick(r, adjectives)
		if article == "den " {
			adjective += "n"
		}
		s = adjective + " " + s
	}
	return article + s
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func words(s string) []string   { return strings.Fields(s) }
func phrases(s string) []string { return strings.Split(s, ";") }

var (
	masculines = words(`Baum Wagen Hund Garten Brief Schrank Turm Fluss Kasten Kamm Stein Bogen Mantel Vogel
		Brunnen Ofen Zaun Schlitten Topf Kessel Hammer Balken`)
	feminines = words(`Katze Brücke Lampe Wiese Straße Tür Kiste Glocke Uhr Mühle Treppe Schachtel
		Kanne Decke Bank Gabel Leiter Kutsche Feder Mauer Schere Rinne`)
	neuters = words(`Haus Fenster Pferd Dach Messer Boot Buch Seil Zelt Brett Rad Schiff Fass Tor Kissen Tuch
		Glas Blech Schild Lager Netz Werkzeug`)
	stems = words(`Holz Stadt Berg Sommer Winter Eisen Wasser Wald Feld Markt Dorf Abend Morgen Nebel Sand
		Garten Kupfer Stroh Wein Korn Regen Hof Hafen Schnee Wachs Leder`)
	adjectives = words(`alte neue kleine große rote schwere leere stille krumme blanke schmale breite grüne
		dunkle helle rauhe feuchte warme kühle bunte müde flinke stumpfe geduldige`)
	verbs = words(`sieht sucht findet trägt hält zeigt kennt holt öffnet bewacht vergisst berührt
		überholt zerbricht erwartet bedeckt verliert bemalt stützt ordnet verschiebt behindert`)
	adverbs = words(`heute gestern manchmal selten bald langsam leise zuletzt dennoch wieder mittags vorsichtig
		jährlich ungern plötzlich ständig`)
	places = phrases("am Ufer;hinter dem Bahnhof;auf dem Hügel;neben der Werkstatt;unter der Brücke;vor dem Tor;" +
		"im Keller;zwischen den Feldern;bei den Nachbarn;an der Grenze;oben im Tal;im hohen Gras;jenseits der Stadt")
	clauses = phrases("weil es regnet;obwohl niemand hinsieht;bis der Morgen kommt;wenn die Glocke schlägt;" +
		"als wäre nichts geschehen;denn der Weg ist weit;sobald das Wasser steigt;damit keiner stolpert;" +
		"während die anderen schlafen;ohne ein Wort zu sagen;was keinen wundert")
)
