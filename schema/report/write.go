package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Formats are what Write writes, beside the text of diag.Render.
var Formats = []string{"json", "sarif", "junit", "github", "gitlab", "markdown"}

// Options say how a report is written.
type Options struct {
	// Lang is the language of the Markdown report: en (the default) or ru.
	Lang string
	// Dir is the absolute path, with forward slashes, of the folder that the places of findings are relative to in the formats of CI systems,
	// such as the root of the repository. It shortens absolute names below it; "" leaves them as they are.
	Dir string
}

// Write writes a report in one of Formats. The output depends on its arguments alone and ends with one line end; annotations for GitHub are nothing
// at all when there is nothing to say. It fails on an unknown format or language, and when w does; nothing is written before all is ready.
func Write(w io.Writer, format string, r *Report, opts Options) error {
	m := newModel(r, opts)
	var out []byte
	var err error
	switch format {
	case "json":
		out, err = m.json()
	case "sarif":
		out, err = m.sarif()
	case "junit":
		out, err = m.junit()
	case "github":
		out = m.github()
	case "gitlab":
		out, err = m.gitlab()
	case "markdown":
		out, err = m.markdown(opts.Lang)
	default:
		return fmt.Errorf("unknown format %q: it is one of %s", format, strings.Join(Formats, ", "))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	_, err = w.Write(out)
	return err
}

// JobSummary writes a report in Markdown for the file that GITHUB_STEP_SUMMARY names.
func JobSummary(w io.Writer, r *Report) error {
	_, err := w.Write(newModel(r, Options{}).jobSummary())
	return err
}

// oneEnd makes a text end with exactly one line end.
func oneEnd(text []byte) []byte { return append(bytes.TrimRight(text, "\n"), '\n') }
