package services

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// certificateTable is a client's certificate as onConnect sees it.
func certificateTable(l *lua.LState, c *x509.Certificate) *lua.LTable {
	fingerprint := sha256.Sum256(c.Raw)
	t := l.CreateTable(0, 9)
	t.RawSetString("subject", lua.LString(c.Subject.String()))
	t.RawSetString("common_name", lua.LString(c.Subject.CommonName))
	t.RawSetString("serial", lua.LString(c.SerialNumber.Text(16)))
	t.RawSetString("dns_names", stringArray(l, c.DNSNames))
	t.RawSetString("email_addresses", stringArray(l, c.EmailAddresses))
	t.RawSetString("ip_addresses", stringArray(l, texts(c.IPAddresses)))
	t.RawSetString("uris", stringArray(l, texts(c.URIs)))
	t.RawSetString("not_after", lua.LNumber(c.NotAfter.Unix()))
	t.RawSetString("fingerprint", lua.LString(hex.EncodeToString(fingerprint[:])))
	return t
}

func texts[T fmt.Stringer](all []T) []string {
	var s []string
	for _, v := range all {
		s = append(s, v.String())
	}
	return s
}

func stringArray(l *lua.LState, all []string) *lua.LTable {
	t := l.CreateTable(len(all), 0)
	for _, s := range all {
		t.Append(lua.LString(s))
	}
	return t
}
