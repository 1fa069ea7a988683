package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/msgen-dev/msgen/generator/code"
	"github.com/msgen-dev/msgen/generator/compat"
	"github.com/msgen-dev/msgen/generator/drift"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
	"github.com/msgen-dev/msgen/schema/suppress"
)

// validation is what a run over some specs found.
type validation struct {
	report *report.Report
	// all are the findings before comments and the baseline hid any.
	all diag.List
	// unreadable reports that a spec is no YAML mapping.
	unreadable bool

	selected func(id string) bool
	files    []*source.File
	// complete are the kinds of rules that ran.
	complete map[rule.Kind]bool
}

// validate checks specs and whatever the options ask for beside them, and hides what is to be hidden.
func (o *validateOptions) validate(ctx context.Context, inputs []input) (*validation, error) {
	v := &validation{
		report:   &report.Report{Version: Version, FailOn: diag.Error},
		complete: map[rule.Kind]bool{rule.OfSpec: true, rule.OfCode: o.code, rule.OfChange: o.against != "", rule.OfSuppressions: true},
	}
	v.selected, _ = rule.Select(o.rules)
	if o.failOn == "warning" {
		v.report.FailOn = diag.Warning
	}
	baseline, err := o.readBaseline()
	if err != nil {
		return nil, err
	}
	defer o.Done()
	for _, in := range inputs {
		o.Doing("checking %s", in.name)
		v.report.Files = append(v.report.Files, in.name)
		if err := o.one(ctx, in, v); err != nil {
			return nil, err
		}
	}
	for _, r := range rule.Every() {
		if v.complete[r.Kind] && v.selected(r.ID) {
			v.report.Rules = append(v.report.Rules, r)
		}
	}
	v.all.Sort()
	result := suppress.Apply(v.files, v.all, suppress.Options{Today: time.Now(), Baseline: baseline, Ran: v.ran})
	v.report.Suppressed = result.Suppressed
	for _, d := range result.Findings { // those on suppressions are new; the others were chosen before
		if r, ok := rule.Get(d.ID); !ok || r.Kind != rule.OfSuppressions || v.selected(d.ID) {
			v.report.Findings = append(v.report.Findings, d)
		}
	}
	return v, nil
}

// ran reports that a rule had its chance, so that what it did not find is not there.
func (v *validation) ran(id string) bool {
	r, ok := rule.Get(id)
	return ok && v.selected(id) && v.complete[r.Kind]
}

// add takes findings of the rules that were asked for, and those that belong to no rule.
func (v *validation) add(list diag.List) {
	for _, d := range list {
		if d.ID == "" || v.selected(d.ID) {
			v.all = append(v.all, d)
		}
	}
}

// one checks a spec and what stands beside it.
func (o *validateOptions) one(ctx context.Context, in input, v *validation) error {
	spec, findings := schema.Load(in.name, in.content)
	if spec == nil {
		v.unreadable = true
		v.files = append(v.files, source.NewFile(in.name, in.content))
	} else {
		v.files = append(v.files, spec.File)
	}
	// The rules see the spec as it was meant only when all of it could be decoded.
	var texts map[string][]byte
	if spec != nil && !findings.HasErrors() {
		findings = append(findings, rule.Run(spec)...)
		var err error
		var faults diag.List
		if texts, faults, err = contracts(ctx, spec, in.dir()); err != nil {
			return err
		}
		if len(texts) > 0 && !faults.HasErrors() {
			_, faults = view.Build(spec, view.Options{Protos: texts}) // what they say must fit the spec as well
			faults = under(in.dir(), faults, spec.File)
		}
		findings = append(findings, faults...)
	}
	v.add(findings)
	if in.path == "" {
		return nil
	}
	faults := unsound(findings)
	if len(faults) > 0 {
		spec = nil
		if o.against != "" { // the comparison was asked for, so what prevents it is said whatever the rules asked for
			for _, d := range faults {
				if d.ID != "" && !v.selected(d.ID) {
					v.all = append(v.all, d)
				}
			}
		}
	}
	return o.beside(ctx, in, spec, texts, v)
}

// unsound are the findings that keep a system from being generated from its spec, whether anything hides them or not.
func unsound(findings diag.List) diag.List {
	var list diag.List
	for _, d := range findings {
		if r, ok := rule.Get(d.ID); d.Severity == diag.Error && (!ok || !r.Policy()) {
			list = append(list, d)
		}
	}
	return list
}

// beside checks the generated system in the spec's folder and, if asked to, its code and its history. spec is nil when no
// system can be generated from it.
func (o *validateOptions) beside(ctx context.Context, in input, spec *schema.Spec, texts map[string][]byte, v *validation) error {
	generated := true
	if _, err := os.Stat(filepath.Join(in.dir(), lock.Name)); errors.Is(err, fs.ErrNotExist) {
		generated = false
	}
	if generated || o.code || o.against != "" {
		o.resume() // a whole system is rendered, or its code loaded
	}
	if generated {
		v.complete[rule.OfTree] = true
		o.Doing("comparing the system in %s with its lock and its spec", in.dir())
		list, err := drift.Check(ctx, in.dir(), drift.Input{Spec: spec, Content: in.content, Protos: texts, Version: Version})
		if err != nil {
			return err
		}
		v.add(under(in.dir(), list))
	}
	if o.code {
		if !generated {
			return usage("--code checks a generated system, and there is none in %s", in.dir())
		}
		o.Doing("reading the Go code in %s", in.dir())
		list, err := code.Check(ctx, in.dir())
		if err != nil {
			return err
		}
		v.add(under(in.dir(), list))
	}
	switch {
	case o.against == "":
	case spec == nil:
		v.complete[rule.OfChange] = false // there is nothing to compare until the errors are mended
	default:
		o.Doing("comparing %s with %s", in.path, o.against)
		list, err := compat.Against(ctx, in.path, o.against, spec, texts)
		if err != nil {
			return usage("compare with %s: %w", o.against, err)
		}
		v.add(list)
	}
	return nil
}

// under puts a folder before the names of the files that findings point into, which are relative to it; not before those that are named already.
func under(dir string, list diag.List, named ...*source.File) diag.List {
	seen := map[*source.File]bool{}
	for _, f := range named {
		seen[f] = true
	}
	name := func(s source.Span) {
		if s.File != nil && !seen[s.File] {
			seen[s.File] = true
			s.File.Name = path.Join(filepath.ToSlash(dir), s.File.Name)
		}
	}
	for i := range list {
		name(list[i].Primary.Span)
		for _, l := range list[i].Secondary {
			name(l.Span)
		}
	}
	return list
}
