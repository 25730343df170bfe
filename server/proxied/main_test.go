package proxied

import (
	"testing"

	"go.uber.org/goleak"
)

// gnet enrols connections on goroutines of a pool for the whole process, which
// keeps them for 10 s, and starts two of its own when it is imported.
var gnetsPool = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"),
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, gnetsPool...) }
