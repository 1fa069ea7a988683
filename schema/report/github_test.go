package report_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
)

// command is a workflow command as GitHub's runner reads it.
type command struct {
	name, data string
	properties map[string]string
}

// runner reads workflow commands by the rules of GitHub's runner: a command begins a line; the first "::" after that ends its head; properties
// are split at commas and at the first "="; escapes are undone one after the other, that of the percent sign last.
func runner(t *testing.T, text string) []command {
	t.Helper()
	undo := func(s string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
		}
		return s
	}
	var list []command
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "::")
		head, data, ended := strings.Cut(rest, "::")
		if !ok || !ended {
			t.Errorf("not a command: %q", line)
			continue
		}
		name, properties, _ := strings.Cut(head, " ")
		c := command{name: name, data: undo(data, "%0D", "\r", "%0A", "\n", "%25", "%"), properties: map[string]string{}}
		for _, p := range strings.Split(strings.TrimSpace(properties), ",") {
			if key, value, ok := strings.Cut(p, "="); ok && key != "" {
				c.properties[strings.ToLower(key)] = undo(value, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
			}
		}
		list = append(list, c)
	}
	return list
}

func TestGitHub(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			shown := map[string]int{}
			order, last := []string{"error", "warning", "notice"}, 0
			if text := write(t, "github", r, report.Options{}); strings.Contains(text, ":0:0") {
				t.Error("a place has line 0")
			}
			for _, c := range runner(t, write(t, "github", r, report.Options{})) {
				shown[c.name]++
				at := slices.Index(order, c.name)
				if at < last || c.data == "" {
					t.Errorf("command %q with %q after %q", c.name, c.data, order[last])
				}
				last = max(at, last)
				for key, value := range c.properties {
					switch key {
					case "line", "endline", "col", "endcolumn":
						if n, err := strconv.Atoi(value); err != nil || n < 1 {
							t.Errorf("%s is %q", key, value)
						}
					case "file", "title":
						if value == "" || value == "<stdin>" {
							t.Errorf("%s is %q", key, value)
						}
					default:
						t.Errorf("unknown property %q", key)
					}
				}
			}
			errs := 0
			for _, d := range r.Findings {
				if d.Severity == diag.Error {
					errs++
				}
			}
			warnings := len(r.Findings) - errs
			notices := 0
			if errs > 10 || warnings > 10 {
				notices = 1
			}
			if shown["error"] != min(errs, 10) || shown["warning"] != min(warnings, 10) || shown["notice"] != notices {
				t.Errorf("got %v of %d errors and %d warnings", shown, errs, warnings)
			}
		})
	}
}

func TestGitHubFields(t *testing.T) {
	r := failing(t)
	c := runner(t, write(t, "github", r, report.Options{}))[0]
	want := map[string]string{
		"file": "systems/MSG301/msgen.yaml", "line": "21", "endline": "21", "col": "7", "endcolumn": "18", "title": "MSG301 EventNeverSent",
	}
	for key, value := range want {
		if c.properties[key] != value {
			t.Errorf("%s is %q, want %q", key, c.properties[key], value)
		}
	}
	message := r.Findings[0].Message + "\ndeclared here: systems/MSG301/msgen.yaml:24:3\nhelp: " + r.Findings[0].Help
	if c.name != "error" || c.data != message || len(c.properties) != len(want) {
		t.Errorf("got %+v", c)
	}

	// More than GitHub shows: 24 errors and 24 warnings.
	list := runner(t, write(t, "github", many(), report.Options{}))
	if n := len(list); n != 21 || !strings.HasPrefix(list[20].data, "28 more findings are") {
		t.Errorf("got %d commands, the last %q", n, list[n-1].data)
	}

	// A hostile name and message come through the runner as they are, save for what does not print.
	name := hostile().Files[0]
	for _, c := range runner(t, write(t, "github", hostile(), report.Options{})) {
		if c.properties["file"] == name && strings.Contains(c.data, "%0A 100% ::error file=x::y ]]> <b>") {
			return
		}
	}
	t.Error("no command has the hostile file and message")
}

func TestJobSummary(t *testing.T) {
	for _, name := range []string{"empty", "clean", "failing"} {
		var out bytes.Buffer
		if err := report.JobSummary(&out, reports(t)[name]); err != nil {
			t.Fatal(err)
		}
		golden(t, "summary-"+name+".md", out.String())
	}
	for name, r := range reports(t) {
		var out bytes.Buffer
		if err := report.JobSummary(&out, r); err != nil {
			t.Fatal(err)
		}
		// Whatever a finding holds, its row keeps its four cells.
		rows := 0
		for _, line := range strings.Split(out.String(), "\n") {
			if !strings.HasPrefix(line, "| ") {
				continue
			}
			if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); cells != 5 {
				t.Errorf("%s: a row has %d bars: %s", name, cells, line)
			}
			rows++
		}
		heads := strings.Count(out.String(), "| | Rule |")
		if rows != len(r.Findings)+len(r.Suppressed)+heads {
			t.Errorf("%s: %d rows for %d findings", name, rows-heads, len(r.Findings)+len(r.Suppressed))
		}
	}
	// GitHub refuses summaries of more than 1 MiB.
	huge := many()
	for len(huge.Findings) < 20000 {
		huge.Findings = append(huge.Findings, huge.Findings...)
	}
	for i := range huge.Findings {
		huge.Suppressed = append(huge.Suppressed, diag.Suppressed{Diagnostic: huge.Findings[i], By: diag.ByBaseline})
	}
	var out bytes.Buffer
	if err := report.JobSummary(&out, huge); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 1<<20 || !strings.Contains(out.String(), "more findings are not shown") || !strings.HasSuffix(out.String(), "more are not shown.\n\n</details>\n") {
		t.Errorf("a summary of %d bytes ends with %q", out.Len(), out.String()[out.Len()-60:])
	}
}
