package rpc
import "testing"
func BenchmarkZZ(b *testing.B){
 for _,n:=range []int{4,8,9,12,16,17,24,33,100,60000}{
  p:=mapOf(n,"\x00")
  b.Run(fmtI(n),func(b *testing.B){b.ReportAllocs(); for b.Loop(){check(p)}})
 }
 for _,m:=range messages{ b.Run(m.name,func(b *testing.B){b.ReportAllocs(); for b.Loop(){ParseRequest(m.p)}})}
}
func fmtI(n int)string{ return string(rune('0'+n/10000%10))+string(rune('0'+n/1000%10))+string(rune('0'+n/100%10))+string(rune('0'+n/10%10))+string(rune('0'+n%10))}
