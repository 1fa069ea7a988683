package compat_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/compat"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// repository is a git repository of its own, that no setting of this machine reaches.
type repository struct {
	*testing.T
	root string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	r := repository{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r repository) git(args ...string) {
	r.Helper()
	args = append([]string{"-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"}, args...)
	cmd := exec.CommandContext(r.Context(), "git", args...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (r repository) put(name, content string) string {
	r.Helper()
	path := filepath.Join(r.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.Fatal(err)
	}
	return path
}

func (r repository) commit(message string) {
	r.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", message)
}

// against compares the spec on disk with a ref, as validate does.
func (r repository) against(path, ref string) (diag.List, error) {
	r.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		r.Fatal(err)
	}
	spec, findings := schema.Load(filepath.ToSlash(path), content)
	if findings.HasErrors() {
		r.Fatal(findings)
	}
	protos := map[string][]byte{}
	for _, s := range spec.Services {
		if s.Proto.V != "" {
			if protos[s.Proto.V], err = os.ReadFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(s.Proto.V))); err != nil {
				r.Fatal(err)
			}
		}
	}
	return compat.Against(r.Context(), path, ref, spec, protos)
}

// generate writes the tree of the spec on disk.
func (r repository) generate(path string) {
	r.Helper()
	spec, findings, err := schema.ReadFile(path)
	if err != nil || findings.HasErrors() {
		r.Fatal(err, findings)
	}
	root := filepath.Dir(path)
	old, err := lock.Read(filepath.Join(root, lock.Name))
	if err != nil {
		r.Fatal(err)
	}
	files, findings, err := generator.Render(r.Context(), spec, generator.Options{Numbers: old.Numbers})
	if err != nil || findings.HasErrors() {
		r.Fatal(err, findings)
	}
	plan, err := generator.NewPlan(root, files, old, "v1.2.3", "")
	if err == nil {
		err = generator.Apply(root, plan)
	}
	if err != nil {
		r.Fatal(err)
	}
}

func TestAgainst(t *testing.T) {
	r := newRepository(t)
	path := r.put("systems/demo/msgen.yaml", demo)
	r.generate(path)
	r.commit("first")
	r.git("tag", "v1")
	reordered := replace(t, demo, "{color: string, size: int32}", "{size: int32, color: string}")
	r.put("systems/demo/msgen.yaml", reordered)
	r.generate(path)
	r.commit("in another order")
	r.put("systems/demo/msgen.yaml", replace(t, reordered, "size: int32, ", "", "key: order_id, fields: {order_id: uuid, at", "key: at, fields: {order_id: uuid, at"))

	// A hook's variables name another repository; they must not matter.
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "elsewhere.git"))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(t.TempDir(), "index"))
	want := []string{
		"MSG751 services.orders.types.Extra.size: Extra.size is removed",
		"MSG759 events.OrderPlaced.key: OrderPlaced is partitioned by at instead of order_id",
	}
	for _, ref := range []string{"main", "HEAD", "v1", "HEAD~1", "refs/tags/v1"} {
		list, err := r.against(path, ref)
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		if got := brief(list); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", ref, got, want)
		}
		for _, d := range list {
			if d.Primary.Span.File.Name != filepath.ToSlash(path) || d.Secondary[0].Span.File.Name != filepath.ToSlash(path)+"@"+ref {
				t.Errorf("%s: %v and %v", ref, d.Primary.Span, d.Secondary[0].Span)
			}
		}
	}
	t.Chdir(filepath.Dir(path))
	if list, err := r.against("msgen.yaml", "main"); err != nil || len(list) != 2 || list[0].Secondary[0].Span.File.Name != "msgen.yaml@main" {
		t.Errorf("from within: %v %v", list, err)
	}

	// The lock of now is what keeps the numbers.
	if err := os.Remove("msgen.lock"); err != nil {
		t.Fatal(err)
	}
	list, err := r.against("msgen.yaml", "v1")
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(list); !slices.Contains(got, "MSG751 services.orders.types.Extra.size: Extra.size is removed") || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "MSG752") }) {
		t.Errorf("without the lock, with one field left: %q", got)
	}
	r.put("systems/demo/msgen.yaml", reordered)
	if list, err = r.against("msgen.yaml", "v1"); err != nil || len(list) != 2 || list[0].ID != "MSG752" {
		t.Errorf("without the lock: %v %v", brief(list), err)
	}
}

func TestAgainstContracts(t *testing.T) {
	r := newRepository(t)
	path := r.put("msgen.yaml", contractSpec)
	r.put("api/greeter.proto", contract)
	r.commit("first")
	r.put("api/greeter.proto", replace(t, contract, "string name = 1", "int64 name = 1"))
	list, err := r.against(path, "main")
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(list); !slices.Equal(got, []string{"MSG753 services.greeter.proto.Hello.name: Hello.name is int64 instead of string"}) {
		t.Errorf("got %q", got)
	}
	if d := list[0]; d.Primary.Span.File.Name != "api/greeter.proto" || d.Secondary[0].Span.File.Name != "api/greeter.proto@main" {
		t.Errorf("it is in %v and %v", d.Primary.Span, d.Secondary[0].Span)
	}

	r.put("api/greeter.proto", replace(t, contract, "string name = 1", "Missing name = 1"))
	list, err = r.against(path, "main")
	if err != nil || !list.HasErrors() || !strings.Contains(list[0].Message, "Missing") {
		t.Errorf("a contract with a fault: %v %v", list, err)
	}
}

// What cannot be compared says why.
func TestAgainstErrors(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "empty")
	r.commit("before the spec")
	r.git("tag", "before")
	path := r.put("msgen.yaml", contractSpec)
	r.commit("no contract")
	r.git("tag", "bare")
	r.put("api/greeter.proto", replace(t, contract, "string name = 1", "Missing name = 1"))
	r.commit("a bad contract")
	r.git("tag", "badproto")
	r.put("api/greeter.proto", contract)
	r.put("msgen.yaml", replace(t, contractSpec, "system: demo", "system: [demo]"))
	r.commit("a bad spec")
	r.git("tag", "badspec")
	r.put("msgen.yaml", replace(t, contractSpec, "owner: team-a,", "owner: team-a, receives: {Missing: {}},"))
	r.commit("a spec with a name that nothing answers to")
	r.git("tag", "badname")
	r.put("msgen.yaml", contractSpec)
	r.put(lock.Name, "format: 99\n")
	r.commit("a lock of the future")
	r.git("tag", "badlock")
	r.put(lock.Name, "format: 1\n")
	r.commit("well")

	for ref, want := range map[string]string{
		"":                "the git ref is empty",
		"--help":          "does not begin with a dash",
		"-O/etc/passwd":   "does not begin with a dash",
		"main:msgen.yaml": "is no git ref",
		"main\nHEAD":      "is no git ref",
		"main HEAD":       "is no git ref",
		"nowhere":         `git knows no commit "nowhere" here: fetch it first`,
		"main^{tree}":     "git knows no commit",
		"before":          "msgen.yaml was not there at before",
		"bare":            "api/greeter.proto was not there at bare",
		"badproto":        "api/greeter.proto",
		"badspec":         "msgen.yaml@badspec:2:9: it had errors at that ref: ",
		"badname":         "msgen.yaml@badname:5:", // MSG101
		"badlock":         "at badlock: msgen.lock has layout 99",
	} {
		list, err := r.against(path, ref)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v, want an error with %q", ref, list, err, want)
		}
	}
	if list, err := r.against(path, "main"); err != nil || len(list) > 0 {
		t.Errorf("main: %v %v", list, err)
	}

	alone := filepath.Join(t.TempDir(), "msgen.yaml")
	if err := os.WriteFile(alone, []byte(contractSpec), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := compat.At(t.Context(), alone, "main"); err == nil || !strings.Contains(err.Error(), "is in no git repository") {
		t.Errorf("no repository: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := compat.At(t.Context(), path, "main"); err == nil || !strings.Contains(err.Error(), "the program git is needed") {
		t.Errorf("no git: %v", err)
	}
}
