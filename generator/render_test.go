package generator_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/rule"
)

// The same spec gives the same bytes: again, and on one processor as on eight.
func TestDeterminism(t *testing.T) {
	for _, name := range examples {
		first := system(t, example(t, name))
		for _, procs := range []int{1, 8} {
			old := runtime.GOMAXPROCS(procs)
			again := system(t, example(t, name))
			runtime.GOMAXPROCS(old)
			if len(again) != len(first) {
				t.Errorf("%s on %d processors: %d files, before %d", name, procs, len(again), len(first))
			}
			for path, content := range first {
				if !bytes.Equal(again[path], content) {
					t.Errorf("%s on %d processors: %s differs:\n%s", name, procs, path, firstDifference(string(again[path]), string(content)))
				}
			}
		}
	}
}

// Nothing of the machine that generates is in what it generates.
func TestNothingOfThisMachine(t *testing.T) {
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	if home == "/root" { // a container has that folder wherever it was made
		home = ""
	}
	now := time.Now().UTC()
	today := regexp.MustCompile(now.Format("2006-01-02") + `|` + now.Format("Jan _2") + `.*` + now.Format("2006"))
	planted := []byte("at " + filepath.Join(here, "x") + " on " + now.Format(time.RFC3339))
	if !bytes.Contains(planted, []byte(here)) || !today.Match(planted) {
		t.Fatal("this test would find nothing")
	}
	for _, name := range examples {
		for path, content := range system(t, example(t, name)) {
			for what, text := range map[string]string{"folder": here, "home": home} {
				if len(text) > 3 && bytes.Contains(content, []byte(text)) {
					t.Errorf("%s has this machine's %s", path, what)
				}
			}
			if len(host) > 5 && bytes.Contains(content, []byte(host)) {
				t.Errorf("%s has this machine's name", path)
			}
			if m := today.Find(content); m != nil && path != "go.sum" {
				t.Errorf("%s has the day %s", path, m)
			}
		}
	}
}

// The architecture document is the same whether it is written alone or with the rest.
func TestDesignOnly(t *testing.T) {
	spec := example(t, "shop")
	files, findings, err := generator.Render(t.Context(), spec, generator.Options{DesignOnly: true})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	if len(files) != 1 || files[0].Path != "docs/architecture.md" {
		t.Fatalf("it writes %d files: %v", len(files), files)
	}
	if !bytes.Equal(files[0].Content, system(t, spec)["docs/architecture.md"]) {
		t.Error("it is not the same document")
	}
}

// A contract-first service: its file is taken as it is, and its Go package is the system's.
func TestContractFirst(t *testing.T) {
	const contract = "syntax = \"proto3\";\n// Mine.\npackage acme.greeter.v1;\noption go_package = \"acme.org/elsewhere\";\nimport \"google/api/annotations.proto\";\n" +
		"message Hello { string name = 1; }\nservice Greeter {\n  rpc Greet(Hello) returns (Hello) { option (google.api.http) = { get: \"/v1/greet/{name}\" }; }\n" +
		"  rpc Watch(Hello) returns (stream Hello);\n}\n"
	spec := load(t, `apiVersion: msgen/v1
system: demo
module: example.com/demo
services:
  greeter:
    responsibility: Greets.
    owner: team-a
    proto: contracts/greeter.proto
    api:
      Greet: {public: true}
gateway:
  auth: {jwt: {issuer: "https://id.example.com", audience: demo, jwks: "https://id.example.com/jwks.json"}}
`)
	files, findings, err := generator.Render(t.Context(), spec, generator.Options{Protos: map[string][]byte{"contracts/greeter.proto": []byte(contract)}})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	all := map[string]string{}
	for _, f := range files {
		all[f.Path] = string(f.Content)
	}
	if all["api/acme/greeter/v1/greeter.proto"] != contract {
		t.Errorf("the contract is changed:\n%s", all["api/acme/greeter/v1/greeter.proto"])
	}
	for path, want := range map[string]string{
		"api/acme/greeter/v1/greeter_grpc.pb.go": "\npackage greeterv1\n",
		"services/greeter/greet.go":              "Greet(ctx context.Context, req *greeterv1.Hello) (*greeterv1.Hello, error)",
		"services/greeter/watch.go":              "Watch(req *greeterv1.Hello, stream grpc.ServerStreamingServer[greeterv1.Hello]) error",
		"gateway/routes.go":                      "/v1/greet/:name",
		"api/openapi.yaml":                       "/v1/greet/{name}",
	} {
		if !strings.Contains(all[path], want) {
			t.Errorf("%s does not have %q:\n%s", path, want, all[path])
		}
	}
	// Faults come back as findings and there are no files.
	files, findings, err = generator.Render(t.Context(), spec, generator.Options{})
	if err != nil || files != nil || !findings.HasErrors() {
		t.Errorf("without the contract: %d files, %v, %v", len(files), findings, err)
	}
}

// seeds are specs that render.
func seeds(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("../testdata/rules/*/pass.yaml")
	if err != nil || len(paths) == 0 {
		tb.Fatal(paths, err)
	}
	var list []string
	for _, path := range append([]string{"../testdata/specs/shop.yaml", "../testdata/specs/minimal.yaml", "proto/testdata/kinds.yaml"}, paths...) {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, string(text))
	}
	return list
}

// renders renders a spec's text unless the rules refuse it, and holds that every path is a place of its own inside the folder and every Go
// file parses.
func renders(t *testing.T, text string) (rendered bool) {
	t.Helper()
	spec, findings := schema.Load("msgen.yaml", []byte(text))
	if spec == nil || findings.HasErrors() || rule.Run(spec).HasErrors() || len(spec.Unsupported) > 0 {
		return false
	}
	for _, s := range spec.Services {
		if s.Proto.V != "" {
			return false // its contract is not here
		}
	}
	files, findings, err := generator.Render(t.Context(), spec, generator.Options{})
	if err != nil || findings.HasErrors() {
		t.Errorf("%v\n%v\n%s", err, findings, text)
		return true
	}
	seen := map[string]bool{}
	for _, file := range files {
		if seen[strings.ToLower(file.Path)] {
			t.Errorf("%s is written twice", file.Path)
		}
		seen[strings.ToLower(file.Path)] = true
		if !filepath.IsLocal(filepath.FromSlash(file.Path)) {
			t.Errorf("%s is outside", file.Path)
		}
		if strings.HasPrefix(file.Path, "platform/") || !strings.HasSuffix(file.Path, ".go") {
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), file.Path, file.Content, parser.SkipObjectResolution); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	return true
}

// Every spec that is an example with one line left out, one type changed or one name made awkward is refused or renders.
func TestRenderMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("renders some hundreds of systems")
	}
	types := []string{"string", "uuid", "money", "timestamp", "duration", "decimal", "bytes", "bool", "uint64", "enum(a, b)", `"[]int64"`, `"map<string, bool>"`}
	names := map[string][]string{
		"Order": {"Type", "Page", "Event", "HTTPRoute", "Order2", "Money", "Address", "Gateway", "X"}, "orders": {"order-book", "a", "x1", "orderings"},
		"PlaceOrder": {"New", "Range", "PlaceHTTP"}, "customer_id": {"type", "http_2_port", "a1"}, "place-order": {"go-go", "p"},
		"thing_id": {"range", "key"}, "Thing": {"Status", "Codes", "Err"}, "OrderPlaced": {"Placed", "HTTPDone"},
	}
	every := os.Getenv("MSGEN_TEST_EVERY_MUTATION") != ""
	var texts []string
	for _, text := range seeds(t)[:3] {
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines {
			if i%12 != 0 && !every { // a part shows most; all of them take minutes
				continue
			}
			texts = append(texts, strings.Join(lines[:i], "")+strings.Join(lines[i+1:], ""))
			name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			if ok && strings.Contains(value, "uuid") || strings.HasPrefix(strings.TrimSpace(name), "a_") {
				for _, typ := range types {
					texts = append(texts, strings.Join(lines[:i], "")+name+": "+strings.Replace(value, "uuid", typ, 1)+"\n"+strings.Join(lines[i+1:], ""))
				}
			}
		}
		for old, list := range names {
			for _, name := range list {
				texts = append(texts, regexp.MustCompile(`\b`+old+`\b`).ReplaceAllString(text, name))
			}
		}
	}
	n := 0
	for _, text := range texts {
		if renders(t, text) {
			n++
		}
	}
	if n < 50 {
		t.Errorf("%d of %d specs are rendered: the others are refused", n, len(texts))
	}
}

// FuzzRender holds the same of any text at all.
func FuzzRender(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { renders(t, text) })
}
