package e2e_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var vulnDB = flag.String("vulndb", "", "a folder of OSV entries that TestVulnerabilities looks things up in; without one it is skipped")

// TestVulnerabilities looks for known vulnerabilities that msgen and the shop can reach. Those of the standard library are told and not
// failed: they are mended by building with a newer Go, as images and workflows do, and not by anything here.
func TestVulnerabilities(t *testing.T) {
	if *vulnDB == "" {
		t.Skip("no -vulndb: make vuln gets the database and runs it")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"msgen": root, "shop": generate(t, "shop", "--example", "shop")} {
		t.Run(name, func(t *testing.T) {
			for _, v := range reached(t, dir, *vulnDB) {
				if v.Trace[0].Module == "stdlib" {
					t.Logf("%s of Go %s: build with Go %s", v.OSV, v.Trace[0].Version, v.FixedVersion)
					continue
				}
				t.Error(v)
			}
		})
	}
}

// TestVulnerabilityFound runs a generated system's own `make vuln` with a database of two vulnerabilities that were made up: one is of what
// the system calls, and one is not.
func TestVulnerabilityFound(t *testing.T) {
	components(t) // not for their sake: it builds for a minute, and plain go test is quick
	db, err := filepath.Abs("testdata/vuln")
	if err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "notebook", "--example", "minimal")
	cmd := exec.CommandContext(t.Context(), "make", "vuln", "VULNFLAGS=-db=file://"+db)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("make vuln: %v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "TEST-2026-0001") || strings.Contains(text, "TEST-2026-0002") {
		t.Errorf("want TEST-2026-0001 alone:\n%s", text)
	}
}

// vulnerability is what govulncheck says of one that the code can reach; the trace begins with the function that has it.
type vulnerability struct {
	OSV          string
	FixedVersion string `json:"fixed_version"`
	Trace        []struct{ Module, Version, Package, Receiver, Function string }
}

func (v vulnerability) String() string {
	mend := "nothing mends it yet"
	if v.FixedVersion != "" {
		mend = "it is mended in " + v.FixedVersion
	}
	var path []string
	for _, f := range slices.Backward(v.Trace) {
		path = append(path, strings.Trim(f.Package+"."+f.Receiver, ".")+"."+f.Function)
	}
	return fmt.Sprintf("%s in %s %s, %s: %s", v.OSV, v.Trace[0].Module, v.Trace[0].Version, mend, strings.Join(path, " → "))
}

// reached returns the vulnerabilities that the module in dir can reach, each once, in order.
func reached(t *testing.T, dir, db string) []vulnerability {
	t.Helper()
	tool := os.Getenv("MSGEN_GOVULNCHECK")
	if tool == "" {
		t.Fatal("MSGEN_GOVULNCHECK does not name govulncheck; make vuln sets it")
	}
	cmd := exec.CommandContext(t.Context(), tool, "-format", "json", "-db", "file://"+db, "./...")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("govulncheck: %v", err)
	}
	found, entries := map[string]vulnerability{}, 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var message struct {
			OSV     *struct{ ID string }
			Finding *vulnerability
		}
		switch err := d.Decode(&message); {
		case errors.Is(err, io.EOF):
			if entries == 0 {
				t.Fatalf("%s has no entry about any module that %s needs: is it the whole database?", db, dir)
			}
			return slices.SortedFunc(maps.Values(found), func(a, b vulnerability) int { return strings.Compare(a.OSV, b.OSV) })
		case err != nil:
			t.Fatal(err)
		case message.OSV != nil:
			entries++
		case message.Finding != nil && message.Finding.Trace[0].Function != "": // else it is only there, and nothing calls it
			if _, ok := found[message.Finding.OSV]; !ok {
				found[message.Finding.OSV] = *message.Finding
			}
		}
	}
}
