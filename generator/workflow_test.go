package generator_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const workflow = ".github/workflows/ci.yml"

// TestWorkflowIsSound lints the generated system's workflow.
func TestWorkflowIsSound(t *testing.T) {
	linter := os.Getenv("MSGEN_ACTIONLINT")
	if linter == "" {
		const reason = "no linter: MSGEN_ACTIONLINT is not set; make test sets it"
		if os.Getenv("MSGEN_TEST_REQUIRE") == "1" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	for _, name := range examples {
		cmd := exec.CommandContext(t.Context(), linter, "-no-color", "-shellcheck=", "-stdin-filename="+workflow, "-")
		cmd.Stdin = bytes.NewReader(system(t, example(t, name))[workflow])
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestWorkflow holds that the generated system's workflow checks the spec and the tree.
func TestWorkflow(t *testing.T) {
	for _, name := range examples {
		content := system(t, example(t, name))[workflow]
		var commands []string
		for _, step := range steps(t, content, "spec") {
			commands = append(commands, step.Run)
		}
		for _, want := range []string{"msgen validate --code --format github", "msgen generate --check"} {
			if all := strings.Join(commands, "\n"); !strings.Contains(all, want) {
				t.Errorf("%s: no step runs %s:\n%s", name, want, all)
			}
		}
	}
}

type step struct{ Uses, Run string }

func steps(t *testing.T, content []byte, job string) []step {
	t.Helper()
	var w struct {
		Jobs map[string]struct{ Steps []step }
	}
	if err := yaml.Unmarshal(content, &w); err != nil {
		t.Fatal(err)
	}
	return w.Jobs[job].Steps
}

// TestWorkflowInstallsTheVersionOfTheLock runs the step that installs msgen, with a go command that only says what it was asked for.
func TestWorkflowInstallsTheVersionOfTheLock(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script := ""
	for _, s := range steps(t, system(t, example(t, "minimal"))[workflow], "spec") {
		if strings.Contains(s.Run, "go install") {
			script = s.Run
		}
	}
	if script == "" {
		t.Fatal("no step installs msgen")
	}
	for lock, want := range map[string]string{
		"format: 1\ngenerator: v1.2.3\nspec: abc\n":                             "install github.com/msgen-dev/msgen/cmd/msgen@v1.2.3\n",
		"format: 1\ngenerator: v0.0.0-20261123024409-e341ff8aaaaa\nspec: abc\n": "install github.com/msgen-dev/msgen/cmd/msgen@v0.0.0-20261123024409-e341ff8aaaaa\n",
		"format: 1\ngenerator: dev\nspec: abc\n": "::warning file=msgen.lock::written by the build \"dev\" of msgen, not a release; checked with the latest\n" +
			"install github.com/msgen-dev/msgen/cmd/msgen@latest\n",
	} {
		dir := t.TempDir()
		put(t, dir, "msgen.lock", lock)
		put(t, dir, "step.sh", "go() { echo \"$@\"; }\n"+script)
		cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", filepath.Join(dir, "step.sh"))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%q: %v, printed %q, want %q", lock, err, out, want)
		}
	}
}
