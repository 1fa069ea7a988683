package msgen_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// hook is a hook of .pre-commit-hooks.yaml with the keys that pre-commit documents and that are used here:
// https://pre-commit.com/#creating-new-hooks. Other keys are refused.
type hook struct {
	ID            string `yaml:"id"`
	Name          string `yaml:"name"`
	Description   string `yaml:"description"`
	Entry         string `yaml:"entry"`
	Language      string `yaml:"language"`
	Files         string `yaml:"files"`
	PassFilenames *bool  `yaml:"pass_filenames"`
	Minimum       string `yaml:"minimum_pre_commit_version"`
}

// action is the metadata of a composite action with the keys that are used here:
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax. Other keys are refused.
type action struct {
	Name        string            `yaml:"name"`
	Description string            `yaml:"description"`
	Author      string            `yaml:"author"`
	Branding    map[string]string `yaml:"branding"`
	Inputs      map[string]struct {
		Description string  `yaml:"description"`
		Default     *string `yaml:"default"`
	} `yaml:"inputs"`
	Outputs map[string]struct {
		Description string `yaml:"description"`
		Value       string `yaml:"value"`
	} `yaml:"outputs"`
	Runs struct {
		Using string       `yaml:"using"`
		Steps []actionStep `yaml:"steps"`
	} `yaml:"runs"`
}

type actionStep struct {
	ID    string            `yaml:"id"`
	Uses  string            `yaml:"uses"`
	With  map[string]string `yaml:"with"`
	Shell string            `yaml:"shell"`
	Env   map[string]string `yaml:"env"`
	Run   string            `yaml:"run"`
}

func decodeFile(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

const (
	goodSpec = `apiVersion: msgen/v1
system: notebook
services:
  notes:
    responsibility: Keeps notes.
    owner: team-notes
    aggregates:
      Note: {fields: {title: {type: string, minLength: 1, maxLength: 200}, body: string}}
    api:
      CreateNote: {http: POST /v1/notes, creates: Note, sends: [NoteCreated], scopes: [notes.write]}
      GetNote:    {http: "GET /v1/notes/{id}", reads: Note, scopes: [notes.read]}
events:
  NoteCreated: {key: note_id, fields: {note_id: uuid, title: string}, external: true}
gateway:
  auth: {jwt: {issuer: "https://id.example.com", audience: notebook, jwks: "https://id.example.com/jwks.json"}}
`
	broken = "sends: [NoteCreatde]" // in the place of the event that is there
)

var (
	badSpec   = strings.ReplaceAll(goodSpec, "sends: [NoteCreated]", broken)
	noOwner   = strings.ReplaceAll(goodSpec, "    owner: team-notes\n", "") // a warning
	inputExpr = regexp.MustCompile(`^\$\{\{ inputs\.([a-z-]+) \}\}$`)
)

// TestContinuousIntegration installs msgen as the GitHub action does, and then runs what the action and the pre-commit hooks run.
func TestContinuousIntegration(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	var meta action
	decodeFile(t, "action.yml", &meta)
	var install, validate actionStep
	for _, s := range meta.Runs.Steps {
		switch {
		case s.Uses != "":
			if !regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`).MatchString(s.Uses) {
				t.Errorf("%s is not pinned to a commit", s.Uses)
			}
		case s.Shell != "bash" || strings.Contains(s.Run, "${{"):
			t.Errorf("the step %q has no shell, or reads an expression as code:\n%s", s.ID, s.Run)
		case s.ID == "install":
			install = s
		case s.ID == "validate":
			validate = s
		}
	}
	if meta.Runs.Using != "composite" || install.Run == "" || validate.Run == "" {
		t.Fatalf("action.yml does not install and validate: %+v", meta.Runs)
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	r := runner{bash: bash, meta: meta, root: root, temp: t.TempDir()}
	if got := r.step(t, install, t.TempDir(), nil); got.code != 0 {
		t.Fatalf("install: exit %d\n%s", got.code, got.out)
	}
	r.path = strings.TrimSpace(read(t, filepath.Join(r.temp, "path")))
	t.Run("action", func(t *testing.T) { testAction(t, r, validate) })
	t.Run("pre-commit", func(t *testing.T) { testHooks(t, r) })
}

// runner runs the shell steps of an action as GitHub's runner does.
type runner struct {
	bash, root, temp string
	path             string // what steps have added to PATH
	meta             action
}

type result struct {
	code                 int
	out, summary, output string
}

// step runs a step in dir with inputs, which default to those of the action.
func (r runner) step(t *testing.T, s actionStep, dir string, inputs map[string]string) result {
	t.Helper()
	files := t.TempDir()
	script := filepath.Join(files, "step.sh")
	env := []string{
		"RUNNER_TEMP=" + r.temp, "GITHUB_ACTION_PATH=" + r.root, "GITHUB_WORKSPACE=" + dir, "GITHUB_ACTIONS=true", "CI=true",
		"GITHUB_PATH=" + filepath.Join(r.temp, "path"), "GITHUB_OUTPUT=" + filepath.Join(files, "output"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(files, "summary"), "PATH=" + r.path + string(filepath.ListSeparator) + os.Getenv("PATH"),
	}
	for name, value := range s.Env {
		m := inputExpr.FindStringSubmatch(value)
		if m == nil {
			t.Fatalf("%s: %q is not an input", name, value)
		}
		input, ok := r.meta.Inputs[m[1]]
		if !ok || input.Default == nil {
			t.Fatalf("%s: there is no input %s with a default", name, m[1])
		}
		value, ok = inputs[m[1]]
		if !ok {
			value = *input.Default
		}
		env = append(env, name+"="+value)
	}
	write(t, script, s.Run)
	write(t, filepath.Join(files, "output"), "")
	write(t, filepath.Join(files, "summary"), "")
	got := execute(t, dir, env, r.bash, "--noprofile", "--norc", "-eo", "pipefail", script)
	got.summary, got.output = read(t, filepath.Join(files, "summary")), read(t, filepath.Join(files, "output"))
	return got
}

func testAction(t *testing.T, r runner, validate actionStep) {
	used := map[string]bool{"version": true} // by the step that installs
	for _, v := range validate.Env {
		if m := inputExpr.FindStringSubmatch(v); m != nil {
			used[m[1]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.meta.Inputs)) {
		if !used[name] || r.meta.Inputs[name].Description == "" {
			t.Errorf("the input %s is not used, or not described", name)
		}
	}
	for name, tt := range map[string]struct {
		inputs map[string]string
		files  map[string]string
		code   int
		has    string // in the output
	}{
		"clean":           {nil, map[string]string{"msgen.yaml": goodSpec}, 0, ""},
		"error":           {nil, map[string]string{"msgen.yaml": badSpec}, 1, "::error file=msgen.yaml,line=10,"},
		"warning":         {nil, map[string]string{"msgen.yaml": noOwner}, 0, "::warning file=msgen.yaml,"},
		"warnings fail":   {map[string]string{"fail-on": "warning"}, map[string]string{"msgen.yaml": noOwner}, 1, "MSG105"},
		"rules":           {map[string]string{"rule": "MSG2, MSG3"}, map[string]string{"msgen.yaml": noOwner}, 0, ""},
		"several":         {map[string]string{"path": "a\nb c/msgen.yaml\n"}, map[string]string{"a/msgen.yaml": goodSpec, "b c/msgen.yaml": badSpec}, 1, "::error file=b c/msgen.yaml,"},
		"no spec":         {map[string]string{"path": "nowhere"}, nil, 2, "nowhere"},
		"bad input":       {map[string]string{"fail-on": "$(touch taken)"}, map[string]string{"msgen.yaml": goodSpec}, 2, "touch taken"},
		"injected rule":   {map[string]string{"rule": "`touch taken`;touch taken"}, map[string]string{"msgen.yaml": goodSpec}, 2, "touch"},
		"injected path":   {map[string]string{"path": "msgen.yaml\n--fix\n$(touch taken)"}, map[string]string{"msgen.yaml": goodSpec}, 2, ""},
		"sarif":           {map[string]string{"sarif": "out/msgen.sarif"}, map[string]string{"msgen.yaml": badSpec}, 1, "::error file=msgen.yaml,"},
		"sarif, no place": {map[string]string{"sarif": "msgen.yaml/msgen.sarif"}, map[string]string{"msgen.yaml": goodSpec}, 1, "msgen.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for path, content := range tt.files {
				write(t, filepath.Join(dir, path), content)
			}
			got := r.step(t, validate, dir, tt.inputs)
			if got.code != tt.code || !strings.Contains(got.out, tt.has) {
				t.Errorf("exit %d, want %d; want %q in:\n%s", got.code, tt.code, tt.has, got.out)
			}
			if tt.code == 0 && tt.has == "" && strings.Contains(got.out, "::") {
				t.Errorf("annotations of what is clean:\n%s", got.out)
			}
			if strings.HasPrefix(tt.has, "::") && !strings.Contains(got.summary, "MSG") {
				t.Errorf("the job summary does not tell of the findings:\n%s", got.summary)
			}
			if _, err := os.Stat(filepath.Join(dir, "taken")); !errors.Is(err, os.ErrNotExist) {
				t.Error("an input was run as a command")
			}
			if name != "sarif" {
				return
			}
			if got.output != "sarif=out/msgen.sarif\n" || !strings.Contains(read(t, filepath.Join(dir, "out", "msgen.sarif")), `"MSG101"`) {
				t.Errorf("no SARIF, or no output that names it: %q", got.output)
			}
		})
	}
}

func testHooks(t *testing.T, r runner) {
	var hooks []hook
	decodeFile(t, ".pre-commit-hooks.yaml", &hooks)
	byID := map[string]hook{}
	for _, h := range hooks {
		if h.ID == "" || h.Name == "" || h.Entry == "" || h.Language != "golang" || !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(h.Minimum) {
			t.Errorf("a key is missing or of no use: %+v", h)
		}
		byID[h.ID] = h
	}
	// commit runs a hook on files as pre-commit does: with those that match, in the root of the repository; not at all when none does.
	commit := func(t *testing.T, id, dir string, files ...string) result {
		t.Helper()
		h, ok := byID[id]
		if !ok {
			t.Fatalf("there is no hook %s", id)
		}
		matched := slices.DeleteFunc(files, func(f string) bool { return !regexp.MustCompile(h.Files).MatchString(f) })
		if len(matched) == 0 {
			return result{code: -1}
		}
		argv := strings.Fields(h.Entry)
		if h.PassFilenames == nil || *h.PassFilenames {
			argv = append(argv, matched...)
		}
		return execute(t, dir, nil, filepath.Join(r.path, argv[0]), argv[1:]...)
	}

	dir := t.TempDir()
	write(t, filepath.Join(dir, "msgen.yaml"), goodSpec)
	write(t, filepath.Join(dir, "bad", "msgen.yaml"), badSpec)
	for _, tt := range []struct {
		files []string
		code  int
		has   string
	}{
		{[]string{"msgen.yaml"}, 0, ""},
		{[]string{"msgen.yaml", "bad/msgen.yaml", "README.md"}, 1, "bad/msgen.yaml:10:"},
		{[]string{"README.md", "notmsgen.yaml", "msgen.yaml.orig"}, -1, ""},
	} {
		if got := commit(t, "msgen-validate", dir, slices.Clone(tt.files)...); got.code != tt.code || !strings.Contains(got.out, tt.has) {
			t.Errorf("%v: exit %d, want %d; want %q in:\n%s", tt.files, got.code, tt.code, tt.has, got.out)
		}
	}

	system := t.TempDir()
	write(t, filepath.Join(system, "msgen.yaml"), goodSpec)
	if got := execute(t, system, nil, filepath.Join(r.path, "msgen"), "generate"); got.code != 0 {
		t.Fatalf("msgen generate: exit %d\n%s", got.code, got.out)
	}
	if got := commit(t, "msgen-generate-check", system, "README.md"); got.code != 0 {
		t.Errorf("exit %d for a tree that is up to date:\n%s", got.code, got.out)
	}
	write(t, filepath.Join(system, "msgen.yaml"), strings.Replace(goodSpec, "Keeps notes.", "Keeps all notes.", 1))
	if got := commit(t, "msgen-generate-check", system, "msgen.yaml"); got.code != 1 {
		t.Errorf("exit %d for a tree that is out of date:\n%s", got.code, got.out)
	}
}

// TestWorkflows lints our own workflows, one of which also runs the action of this repository.
func TestWorkflows(t *testing.T) {
	linter := os.Getenv("MSGEN_ACTIONLINT")
	if linter == "" {
		const reason = "no linter: MSGEN_ACTIONLINT is not set; make test sets it"
		if os.Getenv("MSGEN_TEST_REQUIRE") == "1" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	if got := execute(t, ".", nil, linter, append([]string{"-no-color", "-shellcheck="}, files...)...); got.code != 0 {
		t.Errorf("exit %d:\n%s", got.code, got.out)
	}
}

// TestPinnedVersions holds that a generated system's CI takes the tools and components that its tests have run with here.
func TestPinnedVersions(t *testing.T) {
	const workflow = "templates/root/dot-github/workflows/ci.yml.tmpl"
	pins := map[string]string{}
	for _, pin := range regexp.MustCompile(`(?m)^(\w+)_version *:= (.+)$`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		pins[pin[1]] = pin[2]
	}
	for _, image := range regexp.MustCompile(`(?m)^    image: (.+):(.+)$`).FindAllStringSubmatch(read(t, "testdata/stack/compose.yaml"), -1) {
		pins[image[1]] = image[2]
	}
	for _, want := range []struct{ file, before, pin string }{
		{workflow, "version: v", "golangci"},
		{"templates/root/Makefile.tmpl", "golang.org/x/vuln/cmd/govulncheck@v", "govulncheck"},
		{workflow, "image: postgres:", "postgres"},
		{workflow, "image: apache/kafka:", "apache/kafka"},
		{workflow, "image: redis:", "redis"},
		{"templates/deploy/deploy/compose/compose.yaml.tmpl", "image: postgres:", "postgres"},
		{"templates/deploy/deploy/compose/compose.yaml.tmpl", "image: apache/kafka:", "apache/kafka"},
		{"templates/deploy/deploy/compose/compose.yaml.tmpl", "image: redis:", "redis"},
	} {
		if pins[want.pin] == "" {
			t.Errorf("no version of %s", want.pin)
		} else if text := want.before + pins[want.pin]; !regexp.MustCompile(`(?m)` + regexp.QuoteMeta(text) + `(\s|$)`).MatchString(read(t, want.file)) {
			t.Errorf("%s has not %q", want.file, text)
		}
	}
}

func execute(t *testing.T, dir string, env []string, name string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return result{code: cmd.ProcessState.ExitCode(), out: string(out)}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
