package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/suppress"
)

// readBaseline reads the file of --baseline; nil when there is none to read.
func (o *validateOptions) readBaseline() (*suppress.Baseline, error) {
	if o.baseline == "" || o.writeBaseline {
		return nil, nil
	}
	content, err := os.ReadFile(o.baseline)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no baseline %s; make one with --write-baseline", o.baseline)
	}
	if err != nil {
		return nil, usage("cannot read the baseline: %w", err)
	}
	b, err := suppress.ReadBaseline(o.baseline, content)
	if err != nil {
		return nil, usage("%w", err)
	}
	return b, nil
}

// saveBaseline writes what was found to the file of --baseline. A spec that cannot be decoded has findings that nobody knows yet, so there is no
// baseline of it.
func (o *validateOptions) saveBaseline(v *validation) error {
	findings := v.report.Findings
	if slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return d.ID == "" && d.Severity == diag.Error }) {
		if err := printFindings(o.IO, o.Err, findings); err != nil {
			return err
		}
		return usage("%s was not written: mend what has no rule first, the rules have not seen the whole", o.baseline)
	}
	b := suppress.NewBaseline(o.baseline, findings)
	if err := replaceFile(o.baseline, b.Marshal(), 0o644); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(o.Err, "%s: %s in %d entries\n", o.baseline, diag.Summary(findings), len(b.Entries))
	return nil
}
