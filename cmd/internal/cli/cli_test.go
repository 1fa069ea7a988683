package cli

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/msgen-dev/msgen/cmd/internal/term"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"msgen": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// trimpath lets the go command use what it has built of a system for the same one in another folder.
const trimpath = "-trimpath"

// TestScript runs the scripts of testdata/script. `exits N command…` runs a command and holds its exit code; plain `exec` and `! exec`
// say zero or not.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"shop", "minimal", "choreography"} {
				text, err := os.ReadFile("../../../testdata/specs/" + name + ".yaml")
				if err != nil {
					return err
				}
				if err := os.WriteFile(env.WorkDir+"/"+name+".yaml", text, 0o600); err != nil {
					return err
				}
			}
			// Scripts have a home of their own; what go has built and loaded before stays of use.
			caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
			if err != nil {
				return err
			}
			lines := strings.Split(string(caches), "\n")
			env.Setenv("GOCACHE", lines[0])
			env.Setenv("GOMODCACHE", lines[1])
			env.Setenv("GOFLAGS", trimpath)
			env.Values[snapshotsKey{}] = map[string]string{}
			env.Setenv("NO_COLOR", "")
			env.Setenv("CLICOLOR_FORCE", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"append":   appendTo,
			"crlf":     hasCRLF,
			"exits":    exits,
			"sed":      replace,
			"snapshot": takeSnapshot,
			"same":     sameSnapshot,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func TestSetKey(t *testing.T) {
	for name, c := range map[string]struct{ in, key, value, want string }{
		"replaced":         {"system: a\nmodule: b\n", "system", "x", "system: x\nmodule: b\n"},
		"comment stays":    {"system: a   # why\n", "system", "x", "system: x   # why\n"},
		"no value":         {"system:\nservices: {}\n", "system", "x", "system: x\nservices: {}\n"},
		"quoted":           {"module: \"a.b/c\"\n", "module", "d.e/f", "module: d.e/f\n"},
		"added":            {"# top\nsystem: a # why\nservices: {}\n", "module", "d.e/f", "# top\nsystem: a # why\nmodule: d.e/f\nservices: {}\n"},
		"added at the top": {"services: {}\n", "system", "x", "system: x\nservices: {}\n"},
		"indented is not":  {"services:\n  system: a\nsystem: b\n", "system", "x", "services:\n  system: a\nsystem: x\n"},
		"crlf":             {"system: a\r\nmodule: b\r\n", "system", "x", "system: x\r\nmodule: b\r\n"},
		"last line":        {"system: a", "module", "d.e/f", "system: a\nmodule: d.e/f"},
	} {
		if got := string(setKey([]byte(c.in), c.key, c.value)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// A panic is a fault of ours: exit 3, a message and where it was.
func TestPanic(t *testing.T) {
	var out, errOut bytes.Buffer
	code := Main([]string{"version"}, nil, panics{}, &errOut)
	if code != exitFailure || !strings.Contains(errOut.String(), "fault of msgen") || !strings.Contains(errOut.String(), "misc.go") {
		t.Errorf("exit %d, %s", code, errOut.String())
	}
	if out.Len() > 0 {
		t.Errorf("stdout has %q", out.String())
	}
}

type panics struct{}

func (panics) Write([]byte) (int, error) { panic("injected") }

// Every command says what it does and has a manual page with its flags.
func TestCommandsAreDocumented(t *testing.T) {
	for _, c := range newRoot(term.IO{}).Commands() {
		if c.Short == "" {
			t.Errorf("%s has no short text", c.CommandPath())
		}
		var page, errOut bytes.Buffer
		if code := Main([]string{"man", c.Name()}, nil, &page, &errOut); code != exitClean || errOut.Len() > 0 {
			t.Fatal(code, errOut.String())
		}
		if !strings.Contains(page.String(), c.Short) || !strings.HasPrefix(page.String(), ".nh\n.TH \"MSGEN-"+strings.ToUpper(c.Name())+"\" \"1\"") {
			t.Errorf("the page of %s is\n%s", c.Name(), page.String())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || !strings.Contains(page.String(), "--"+f.Name) {
				t.Errorf("%s: the flag %s is not explained", c.Name(), f.Name)
			}
		})
	}
}
