package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
	"github.com/msgen-dev/msgen/schema/suppress"
)

// generatable decodes a spec and runs the rules, for commands that write: a spec with errors, or with constructs that are not generated yet, ends
// the command. Warnings are printed and do not. Ignore comments hide what they hide from validate, save for errors without which nothing sound can be
// generated.
func generatable(t term.IO, name string, content []byte) (*schema.Spec, error) {
	spec, findings := schema.Load(name, content)
	// The rules see the spec as it was meant only when all of it could be decoded.
	if spec != nil && !findings.HasErrors() {
		findings = append(needed(spec, append(findings, rule.Run(spec)...)), schema.UnsupportedDiagnostics(spec)...)
		findings.Sort()
	}
	if err := printFindings(t, t.Err, findings); err != nil {
		return nil, err
	}
	switch {
	case spec == nil:
		return nil, &exitError{exitUsage, nil}
	case findings.HasErrors():
		_, _ = fmt.Fprintln(t.Err, "nothing was written")
		return nil, &exitError{exitFindings, nil}
	}
	return spec, nil
}

// needed are the findings that generate heeds. Those on the comments themselves are validate's.
func needed(spec *schema.Spec, findings diag.List) diag.List {
	result := suppress.Apply([]*source.File{spec.File}, findings, suppress.Options{Today: time.Now()})
	var list diag.List
	for _, d := range result.Findings {
		if r, ok := rule.Get(d.ID); !ok || r.Kind != rule.OfSuppressions {
			list = append(list, d)
		}
	}
	var hidden diag.List
	for _, d := range result.Suppressed {
		d.Help += "; a comment cannot let this pass, since what would be generated from it is not sound"
		hidden = append(hidden, d.Diagnostic)
	}
	return append(list, unsound(hidden)...)
}

// contracts reads and compiles the contract-first files that a spec names, from the folder of the spec. What is wrong with them is in the list.
func contracts(ctx context.Context, spec *schema.Spec, dir string) (map[string][]byte, diag.List, error) {
	texts, findings, err := compile.Contracts(ctx, spec, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	})
	return texts, under(dir, findings, spec.File), err
}

// sound is contracts for commands that write: a fault is printed and ends the command.
func sound(ctx context.Context, t term.IO, spec *schema.Spec, dir string) (map[string][]byte, error) {
	texts, findings, err := contracts(ctx, spec, dir)
	if err != nil {
		return nil, err
	}
	return texts, refuse(t, findings)
}

// refuse prints findings and, if there are errors among them, ends a command that would have written.
func refuse(t term.IO, findings diag.List) error {
	if err := printFindings(t, t.Err, findings); err != nil {
		return err
	}
	if findings.HasErrors() {
		_, _ = fmt.Fprintln(t.Err, "nothing was written")
		return &exitError{exitFindings, nil}
	}
	return nil
}
