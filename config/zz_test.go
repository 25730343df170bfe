package config_test
import ("testing";"strings";"fmt";"time";"runtime";"lapps/config")
func TestZZ(t *testing.T){
 big := func(f func(i int) string, n int) string { var b strings.Builder; b.WriteString(`{"services":{`); for i:=0;b.Len()<n;i++ { if i>0 {b.WriteByte(',')}; b.WriteString(f(i)) }; b.WriteString("}}"); return b.String() }
 const n = 16<<20-200
 for name, text := range map[string]string{
  "empty": big(func(i int) string { return fmt.Sprintf(`"a%d":{}`, i) }, n),
  "unknown": `{"services":{"a":{`+strings.Repeat(`"x":1,`, n/6)+`"y":1}}}`,
  "chain": big(func(i int) string { return fmt.Sprintf(`"a%d":{"depends":["a%d"]}`, i, i+1) }, n),
  "back": big(func(i int) string { return fmt.Sprintf(`"a%d":{"depends":["a%d","a0"]}`, i, i+1) }, n),
  "targets": big(func(i int) string { return fmt.Sprintf(`"a%d":{"request_target":"/x"}`, i) }, n),
  "longname": `{"services":{"`+strings.Repeat("x", n/2)+`":{"request_target":"/x"}`+ big(func(i int) string { return fmt.Sprintf(`"a%d":{"request_target":"/x"}`, i) }, n/4)[len(`{"services":{`)-1:],
  "self": `{"services":{"a":{"depends":[`+strings.Repeat(`"a",`, n/4)+`"a"]}}}`,
  "acl": `{"services":{"a":{"acl":{"exclude":[`+strings.Repeat(`"10.0.0.0",`, n/11)+`"::"]}}}}`,
 } {
  var m0, m1 runtime.MemStats
  runtime.GC(); runtime.ReadMemStats(&m0); s := time.Now()
  c, ns, err := config.ParseLAppS([]byte("{}"), []byte(text), "/x")
  d1 := time.Since(s); runtime.ReadMemStats(&m1); s = time.Now()
  _, err2 := config.Parse("x", []byte(text))
  d2 := time.Since(s)
  out := 0; var d3 time.Duration
  if c != nil { s = time.Now(); b, e := c.MarshalNative(); d3 = time.Since(s); out = len(b); if e != nil { t.Error(e)}; if _, e := config.Parse("y", b); e != nil { t.Logf("%.200v", e) } }
  t.Logf("%s: LAppS %v alloc %d MB, native %v, marshal %v (%d bytes); notices %d; %.90v; %.90v", name, d1, (m1.TotalAlloc-m0.TotalAlloc)>>20, d2, d3, out, len(ns), err, err2)
 }
}
