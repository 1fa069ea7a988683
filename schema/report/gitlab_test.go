package report_test

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
)

// gitlabSchema is what GitLab's documentation asks of a code quality report, with the severities and required fields it lists.
const gitlabSchema = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "array",
  "items": {
    "type": "object",
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "additionalProperties": false,
    "properties": {
      "description": {"type": "string", "minLength": 1, "pattern": "^[^\\x00-\\x1f]*$"},
      "check_name": {"type": "string", "minLength": 1},
      "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
      "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
      "location": {
        "type": "object",
        "required": ["path", "lines"],
        "additionalProperties": false,
        "properties": {
          "path": {"type": "string", "minLength": 1, "not": {"pattern": "^\\./"}},
          "lines": {
            "type": "object",
            "required": ["begin"],
            "additionalProperties": false,
            "properties": {"begin": {"type": "integer", "minimum": 1}, "end": {"type": "integer", "minimum": 1}}
          }
        }
      }
    }
  }
}`

func TestGitLab(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(gitlabSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("gitlab.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("gitlab.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			text := write(t, "gitlab", r, report.Options{})
			got, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(got); err != nil {
				t.Errorf("not valid: %v", err)
			}
			list, ok := got.([]any)
			if !ok || len(list) != len(r.Findings) {
				t.Fatalf("got %d entries, want %d", len(list), len(r.Findings))
			}
			if len(list) == 0 && text != "[]\n" {
				t.Errorf("got %q", text)
			}
			seen := map[string]bool{}
			for i := range list {
				entry, _ := list[i].(map[string]any)
				fingerprint, _ := entry["fingerprint"].(string)
				if seen[fingerprint] {
					t.Errorf("entry %d: its fingerprint is not unique", i)
				}
				seen[fingerprint] = true
				if want := map[diag.Severity]string{diag.Error: "major", diag.Warning: "minor"}[r.Findings[i].Severity]; entry["severity"] != want {
					t.Errorf("entry %d: severity %v, want %s", i, entry["severity"], want)
				}
			}
		})
	}
	golden(t, "gitlab.json", write(t, "gitlab", failing(t), report.Options{}))
}
