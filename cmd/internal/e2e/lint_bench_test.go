package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/generator/proto"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

// BenchmarkValidateAgainstBuf runs `msgen validate` on a spec of 1000 services, clean and with 1000 findings, and `buf lint` on the .proto
// files of the same services, in turns, each as a process of its own. It reports the processor time of a run, user and system, on all cores.
// Target: at most 100 ms for msgen, and less than buf takes.
func BenchmarkValidateAgainstBuf(b *testing.B) {
	buf := os.Getenv("MSGEN_BUF")
	if buf == "" {
		b.Skip("no buf: MSGEN_BUF is not set; make bench sets it")
	}
	const services = 1000
	dir := b.TempDir()
	msgen := filepath.Join(dir, "msgen")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", msgen, "../../msgen").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	clean := ringSpec(services, "    owner: team\n")
	write(b, filepath.Join(dir, "clean.yaml"), clean)
	write(b, filepath.Join(dir, "findings.yaml"), ringSpec(services, ""))
	writeProtos(b, filepath.Join(dir, "protos"), clean)

	var ours, dirty, peer time.Duration
	for b.Loop() {
		// Findings below --fail-on leave the exit code at 0, so what was found is counted.
		ours += processor(b, dir, findings{0, 0}, msgen, "validate", "clean.yaml")
		dirty += processor(b, dir, findings{services, services}, msgen, "validate", "findings.yaml")
		peer += processor(b, filepath.Join(dir, "protos"), findings{0, 0}, buf, "lint")
	}
	per := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(per(ours), "cpu-ms")
	b.ReportMetric(per(dirty), "cpu-ms-1000-findings")
	b.ReportMetric(per(peer), "buf-cpu-ms")
	b.ReportMetric(per(peer)/per(ours), "x-buf")
}

// findings are the bounds of how many a run prints.
type findings struct{ min, max int }

// processor runs a command and returns the processor time it took.
func processor(b *testing.B, dir string, want findings, name string, args ...string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "BUF_CACHE_DIR="+b.TempDir())
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		b.Fatal(err)
	}
	got := strings.Count(string(out), " --> ")
	if name == os.Getenv("MSGEN_BUF") {
		got = strings.Count(string(out), "\n")
	}
	if got < want.min || got > want.max || failed != nil {
		b.Fatalf("%s: %d findings, want %d to %d; %v\n%.2000s", cmd, got, want.min, want.max, err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// ringSpec is a spec of n services, each of which receives its neighbour's event.
func ringSpec(n int, owner string) string {
	var text strings.Builder
	text.WriteString("apiVersion: msgen/v1\nsystem: ring\nservices:\n")
	for i := range n {
		fmt.Fprintf(&text, "  part%[1]d:\n    responsibility: Keeps things of kind %[1]d.\n%[3]s    aggregates:\n      Thing%[1]d: {fields: {name: string, total: money}, states: [open, closed]}\n"+
			"    api:\n      CreateThing%[1]d: {http: POST /v1/things%[1]d, creates: Thing%[1]d, sends: [ThingMade%[1]d], scopes: [s.write]}\n"+
			"      GetThing%[1]d: {http: \"GET /v1/things%[1]d/{id}\", reads: Thing%[1]d, scopes: [s.read]}\n    receives:\n      ThingMade%[2]d: {creates: Thing%[1]d}\n", i, (i+1)%n, owner)
	}
	text.WriteString("events:\n")
	for i := range n {
		fmt.Fprintf(&text, "  ThingMade%d: {key: id, fields: {id: uuid}}\n", i)
	}
	text.WriteString("gateway: {auth: {jwt: {issuer: \"https://id.example.com\", audience: ring, jwks: \"https://id.example.com/jwks\"}}}\n")
	return text.String()
}

func writeProtos(b *testing.B, dir, text string) {
	b.Helper()
	spec, list := schema.Load("clean.yaml", []byte(text))
	if list.HasErrors() {
		b.Fatal(list)
	}
	sys, list := view.Build(spec, view.Options{})
	if list.HasErrors() {
		b.Fatal(list)
	}
	for name, content := range proto.Render(sys) {
		write(b, filepath.Join(dir, "system", filepath.FromSlash(name)), string(content))
	}
	if err := os.CopyFS(filepath.Join(dir, "imports"), os.DirFS("testdata/protos")); err != nil {
		b.Fatal(err)
	}
	// All of buf's standard rules but the two against which Google's AIPs advise: that methods answer with the resource itself.
	write(b, filepath.Join(dir, "buf.yaml"), "version: v2\nmodules:\n  - path: system\n  - path: imports\nlint:\n  use: [STANDARD]\n"+
		"  except: [RPC_REQUEST_RESPONSE_UNIQUE, RPC_RESPONSE_STANDARD_NAME]\n  ignore: [imports]\n")
}

func write(b *testing.B, name, content string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
}
