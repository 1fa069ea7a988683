package report

import "github.com/msgen-dev/msgen/schema/diag"

// gitlabIssue is an entry of GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
	End   int `json:"end,omitempty"`
}

// gitlab lists what counts: the report has no word for what is suppressed. GitLab asks for a path and a line of every entry, so that a finding
// without them is put on the first line of the first spec.
func (m *model) gitlab() ([]byte, error) {
	list := make([]gitlabIssue, 0, len(m.found))
	for i := range m.found {
		it := &m.found[i]
		issue := gitlabIssue{
			Description: it.title() + ": " + plain(it.Message), CheckName: it.rule.ID, Fingerprint: it.fingerprint, Severity: "major",
			Location: gitlabLocation{Path: m.path(it.file), Lines: gitlabLines{Begin: 1}},
		}
		if it.Severity != diag.Error {
			issue.Severity = "minor"
		}
		if issue.Location.Path == "" {
			issue.Location.Path = m.path(m.firstFile())
		}
		if s := it.Primary.Span; hasRange(s) {
			s = normal(s)
			issue.Location.Lines = gitlabLines{Begin: s.Start.Line, End: s.End.Line}
		}
		list = append(list, issue)
	}
	return encode(list)
}

// firstFile is the first spec; msgen.yaml when there is none.
func (m *model) firstFile() string {
	if len(m.Files) == 0 {
		return "msgen.yaml"
	}
	return m.Files[0]
}
