//go:build unix

package generator_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time that this process has used, on all cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perService reports the processor time since start, garbage collection included, for one service of n and for one operation.
func perService(b *testing.B, start time.Duration, n int) {
	b.Helper()
	cpu := float64(cpuTime()-start) / float64(time.Millisecond) / float64(b.N)
	b.ReportMetric(cpu, "cpu-ms/op")
	b.ReportMetric(cpu/float64(n), "cpu-ms/service")
}
