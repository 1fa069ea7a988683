package cli

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/rule"
)

// adding is a command that adds something to a spec: an interview, or flags, or both; then the text of the spec, and the tree.
type adding struct {
	form
	make func(tui.Answers) add.Addition

	dir          string
	dryRun, diff bool
	name         string // of the spec's file, as given
	content      []byte
	spec         *schema.Spec
	known        map[string]bool // findings that were there before
}

// command is the cobra command with a flag for every question.
func (o *adding) command(use, short, long, example string) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Long: long + `

On a terminal it asks for what flags do not say, shows what becomes of msgen.yaml and what the rules think of it, and writes nothing before
the end. Without one, or with --yes, what flags do not say is the default. Comments, order and style of msgen.yaml stay as they are, and it is written together
with the tree, or not at all.`,
		Args: cobra.MaximumNArgs(len(o.args)),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", ".", "the system's folder")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be written, and write nothing")
	f.BoolVar(&o.diff, "diff", false, "print what would be written as a unified diff, and write nothing")
	o.flags(f)
	o.completes(cmd, func() bool {
		_, content, err := readSpec(o.IO, filepath.Join(o.dir, specName))
		if err != nil {
			return false
		}
		o.spec, _ = schema.Load(specName, content)
		return o.spec != nil
	})
	return cmd
}

func (o *adding) run(ctx context.Context, cmd *cobra.Command, args []string) error {
	var err error
	if o.name, o.content, err = readSpec(o.IO, filepath.Join(o.dir, specName)); err != nil {
		return err
	}
	list, err := o.load()
	if err != nil {
		return err
	}
	o.known = keys(list)
	given, err := o.given(cmd, args)
	if err != nil {
		return err
	}
	answers := o.defaults(given)
	if o.CanPrompt() && !o.yes && !o.dryRun && !o.diff {
		if answers, err = o.ask(ctx, given, o.preview, "Write msgen.yaml and generate?"); err != nil {
			return err
		}
	} else if err := o.complete(answers); err != nil {
		return err
	}
	content, err := o.edited(answers)
	if err != nil {
		return &exitError{exitFindings, err}
	}
	return o.write(ctx, content)
}

// load decodes the spec as it is, which must be one that can be added to.
func (o *adding) load() (diag.List, error) {
	spec, list := check(o.name, o.content)
	if spec == nil || list.HasErrors() {
		if err := printFindings(o.IO, o.Err, list); err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintln(o.Err, "nothing was added: mend the spec first")
		if spec == nil {
			return nil, &exitError{exitUsage, nil}
		}
		return nil, &exitError{exitFindings, nil}
	}
	o.spec = spec
	return list, nil
}

// preview is what the answers so far make of the spec, with the defaults of what is not answered yet, and what the rules say of that.
func (o *adding) preview(answers tui.Answers) tui.Preview {
	p := tui.Preview{Title: specName}
	if len(answers[o.args[len(o.args)-1]]) == 0 {
		return p
	}
	content, err := o.edited(o.defaults(answers))
	if err != nil {
		p.Findings = []tui.Finding{{Severity: tui.Error, Text: err.Error()}}
		return p
	}
	p.Diff = edit.Diff(specName, o.content, content)
	_, list := check(specName, content)
	p.Findings = shown(o.fresh(list))
	return p
}

// edited is the spec's text with the addition.
func (o *adding) edited(answers tui.Answers) ([]byte, error) {
	doc, err := edit.Parse(o.name, o.content)
	if err != nil {
		return nil, err
	}
	if err := o.make(answers).AddTo(o.spec, doc); err != nil {
		return nil, err
	}
	return doc.Content(), nil
}

// check decodes a spec and runs the rules, with what generate makes of ignore comments.
func check(name string, content []byte) (*schema.Spec, diag.List) {
	spec, list := schema.Load(name, content)
	if spec != nil && !list.HasErrors() {
		list = append(needed(spec, append(list, rule.Run(spec)...)), schema.UnsupportedDiagnostics(spec)...)
		list.Sort()
	}
	return spec, list
}

// fresh are the findings that were not there before.
func (o *adding) fresh(list diag.List) diag.List {
	var now diag.List
	for i := range list {
		if !o.known[key(&list[i])] {
			now = append(now, list[i])
		}
	}
	return now
}

func keys(list diag.List) map[string]bool {
	m := map[string]bool{}
	for i := range list {
		m[key(&list[i])] = true
	}
	return m
}

// key tells findings apart however lines move.
func key(d *diag.Diagnostic) string { return d.ID + "\x00" + d.Path + "\x00" + d.Message }

// write brings the spec and the tree to what the new text says, both or neither.
func (o *adding) write(ctx context.Context, content []byte) error {
	spec, list := check(o.name, content)
	if err := printFindings(o.IO, o.Err, o.fresh(list)); err != nil {
		return err
	}
	if spec == nil || list.HasErrors() {
		_, _ = fmt.Fprintln(o.Err, "the findings are of the spec with the addition; nothing was written")
		return &exitError{exitFindings, nil}
	}
	if o.dryRun || o.diff {
		p, err := o.plan(ctx, spec, content)
		if err != nil {
			return err
		}
		if o.diff {
			err = printDiff(o.Out, p)
		} else {
			err = printPlan(o.Out, p)
		}
		warn(o.IO, o.dir, p)
		return err
	}
	release, err := generator.Exclusive(o.dir)
	if err != nil {
		return err
	}
	defer func() { _ = release() }()
	if err := recoverTree(o.IO, o.dir); err != nil {
		return err
	}
	_, now, err := readSpec(o.IO, filepath.Join(o.dir, specName))
	if err != nil {
		return err
	}
	if !bytes.Equal(now, o.content) {
		return &exitError{exitFindings, fmt.Errorf("%s was changed meanwhile and is left as it is: run the command again", o.name)}
	}
	p, err := o.plan(ctx, spec, content)
	if err != nil {
		return err
	}
	if err := apply(o.IO, o.dir, p, nil); err != nil {
		return err
	}
	for _, c := range p.Changes {
		if c.Action == generator.Create && c.Class == generator.Yours && strings.HasSuffix(c.Path, ".go") && !strings.HasSuffix(c.Path, "_test.go") {
			_, _ = fmt.Fprintf(o.Err, "yours to write: %s\n", c.Path)
		}
	}
	return nil
}

// plan is that of the tree, with the spec as one of its files.
func (o *adding) plan(ctx context.Context, spec *schema.Spec, content []byte) (*generator.Plan, error) {
	p, err := plan(ctx, o.IO, o.dir, spec, content, generator.Options{}, false)
	if err != nil {
		return nil, err
	}
	p.Changes = append(p.Changes, generator.Change{Path: specName, Class: generator.Yours, Action: generator.Update, Disk: o.content, Content: content})
	slices.SortFunc(p.Changes, func(a, b generator.Change) int { return strings.Compare(a.Path, b.Path) })
	return p, nil
}
