package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

var shopServices = []string{"orders", "pricing", "inventory", "payments", "notifications", "history"}

// TestMain has the go command leave folders' names out of what it builds: a system in a new folder then finds what others have built.
func TestMain(m *testing.M) {
	if err := os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// components skips the test without the real components, and fails it when they are required.
func components(t *testing.T) e2e.Components {
	t.Helper()
	c, err := e2e.FromEnv()
	if err != nil {
		if os.Getenv("MSGEN_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return c
}

// generate makes a new system in an empty folder, as a user does.
func generate(t *testing.T, name string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	var stderr bytes.Buffer
	if code := cli.Main(append([]string{"new", name}, args...), strings.NewReader(""), io.Discard, &stderr); code != 0 {
		t.Fatalf("msgen new: exit %d\n%s", code, stderr.String())
	}
	return filepath.Join(dir, name)
}

// run runs a command in dir and fails the test with its output when it fails.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// overlay copies the tree from over dir: the edits of a user.
func overlay(t *testing.T, from, dir string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, rel)
		if _, err := os.Stat(target); err != nil {
			return fmt.Errorf("msgen did not write the file that the user edits: %w", err)
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// start builds the tree and runs it until the test ends.
func start(t *testing.T, dir, name string, services []string, extra ...string) *e2e.System {
	t.Helper()
	system := build(t, dir, name, services)
	if err := system.Start(t.Context(), extra...); err != nil {
		t.Fatal(err)
	}
	return system
}

// build compiles a generated tree, to a system that ends with the test.
func build(t *testing.T, dir, name string, services []string) *e2e.System {
	t.Helper()
	system, err := e2e.Build(t.Context(), dir, name, services, components(t), testWriter{t})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := system.Stop(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, s := range append(append([]string{}, services...), "gateway") {
				t.Logf("the end of the log of %s:\n%s", s, system.Process(s).Tail())
			}
		}
	})
	return system
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// eventually repeats check until it returns "", for at most two minutes.
func eventually(t *testing.T, what string, check func() string) {
	t.Helper()
	last := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if last = check(); last == "" {
			return
		}
	}
	t.Fatalf("%s: %s", what, last)
}

// answer is the JSON of a gateway's answer.
type answer struct {
	Status int
	Header http.Header
	Body   map[string]any
}

func (a answer) String() string { return fmt.Sprintf("%d %v", a.Status, a.Body) }

// text is a field of the body, with dots for nesting.
func (a answer) text(path string) string {
	var v any = a.Body
	for _, key := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[key]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// send is a request to the gateway; a nil body sends none.
func send(t *testing.T, s *e2e.System, method, path, token, key string, body any) answer {
	t.Helper()
	a, err := trySend(t.Context(), s, method, path, token, key, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func trySend(ctx context.Context, s *e2e.System, method, path, token, key string, body any) (answer, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(data)
	}
	status, data, header, err := s.Do(ctx, method, path, token, key, reader)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: status, Header: header}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &a.Body); err != nil {
			return a, fmt.Errorf("%s %s: %d is not JSON: %q", method, path, status, data)
		}
	}
	return a, nil
}

// token is a signed token with scopes.
func token(t *testing.T, s *e2e.System, scopes ...string) string {
	t.Helper()
	tok, err := s.Token("customer-1", scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// count is the single number that a query on a service's database gives.
func count(t *testing.T, s *e2e.System, service, query string, args ...any) int {
	t.Helper()
	conn, err := s.DB(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
