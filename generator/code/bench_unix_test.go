//go:build unix

package code_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/generator/code"
)

// cpuTime is the processor time of this process and of those that it ran, which have ended.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			tb.Fatal(err)
		}
		total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return total
}

// BenchmarkCheck reads the Go code of the shop once it has been compiled.
func BenchmarkCheck(b *testing.B) {
	root := system(b, "shop.yaml")
	run := func() {
		if list, err := code.Check(b.Context(), root); err != nil || len(list) > 0 {
			b.Fatal(err, list)
		}
	}
	run()
	start := cpuTime(b)
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(cpuTime(b)-start)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op")
}
