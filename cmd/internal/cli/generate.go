package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/schema"
)

type generateOptions struct {
	term.IO
	dir    string
	dryRun bool
	check  bool
}

func newGenerate(t term.IO) *cobra.Command {
	o := &generateOptions{IO: t}
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Bring the tree in line with msgen.yaml",
		Long: `Validates the spec, then writes what has changed: generated files are rewritten, yours are made once and never touched, and an edited
merged file (go.mod, Makefile, Dockerfile, README.md, CI) is merged with what has changed in its template. All or nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.dir, "dir", ".", "the system's folder")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be written, and write nothing")
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing, and exit 1 when the tree is out of date (for CI)")
	return cmd
}

func (o *generateOptions) run(ctx context.Context) error {
	name, content, err := readSpec(o.IO, filepath.Join(o.dir, specName))
	if err != nil {
		return err
	}
	spec, err := generatable(o.IO, name, content)
	if err != nil {
		return err
	}
	if o.dryRun || o.check {
		plan, err := o.plan(ctx, spec, content)
		if err != nil {
			return err
		}
		if o.dryRun {
			if err := printPlan(o.Out, plan); err != nil {
				return err
			}
		}
		if o.check && plan.Pending() {
			return &exitError{exitFindings, fmt.Errorf("the tree is out of date (%d files): run msgen generate", pending(plan))}
		}
		return nil
	}
	release, err := generator.Exclusive(o.dir)
	if err != nil {
		return err
	}
	defer func() { _ = release() }()
	if err := generator.Recover(o.dir); err != nil {
		return err
	}
	plan, err := o.plan(ctx, spec, content)
	if err != nil {
		return err
	}
	return apply(o.IO, o.dir, plan)
}

func (o *generateOptions) plan(ctx context.Context, spec *schema.Spec, content []byte) (*generator.Plan, error) {
	return plan(ctx, o.IO, o.dir, spec, content, generator.Options{})
}

// plan renders the spec and compares it with dir. Faults of contracts are printed and end the command.
func plan(ctx context.Context, t term.IO, dir string, spec *schema.Spec, content []byte, opts generator.Options) (*generator.Plan, error) {
	var err error
	if opts.Protos, err = sound(ctx, t, spec, dir); err != nil {
		return nil, err
	}
	old, err := lock.Read(filepath.Join(dir, lock.Name))
	if err != nil {
		return nil, err
	}
	sources := generator.Sources(content, opts.Protos)
	if same, err := generator.UpToDate(dir, old, Version, sources); err != nil || same {
		return &generator.Plan{Lock: old}, err
	}
	if opts.History, err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(migration.File))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	opts.Numbers = old.Numbers
	files, findings, err := generator.Render(ctx, spec, opts)
	if err != nil {
		return nil, err
	}
	if err := refuse(t, findings); err != nil {
		return nil, err
	}
	return generator.NewPlan(dir, files, old, Version, sources)
}

// apply writes a plan and says what was done.
func apply(t term.IO, dir string, plan *generator.Plan) error {
	if err := generator.Apply(dir, plan); err != nil {
		var edited *generator.EditedError
		if errors.As(err, &edited) {
			return &exitError{exitFindings, err}
		}
		return err
	}
	for _, path := range plan.Of(generator.Merge) {
		_, _ = fmt.Fprintf(t.Err, "merged %s: your edit and what has changed in its template\n", path)
	}
	for _, path := range plan.Of(generator.Keep) {
		_, _ = fmt.Fprintf(t.Err, "kept %s: you edited it, its template has changed, and they cannot be merged before older markers are resolved\n", path)
	}
	for _, path := range plan.Of(generator.Orphan) {
		_, _ = fmt.Fprintf(t.Err, "left %s: nothing in the spec asks for it any more; delete it when you do not need it\n", path)
	}
	_, _ = fmt.Fprintf(t.Err, "%d files: %d created, %d updated, %d merged, %d deleted\n", len(plan.Lock.Files), len(plan.Of(generator.Create)),
		len(plan.Of(generator.Update)), len(plan.Of(generator.Merge))+len(plan.Of(generator.Conflict)), len(plan.Of(generator.Delete)))
	if conflicts := plan.Of(generator.Conflict); len(conflicts) > 0 {
		return &exitError{exitFindings, fmt.Errorf("you and the template changed the same lines of %s: choose between the markers; msgen validate finds those that are left",
			strings.Join(conflicts, ", "))}
	}
	return nil
}

// printPlan lists what a plan would do, one file a line.
func printPlan(w io.Writer, plan *generator.Plan) error {
	for _, c := range plan.Changes {
		if c.Action == generator.Unchanged {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-8s %s\n", c.Action, c.Path); err != nil {
			return err
		}
	}
	return nil
}

func pending(plan *generator.Plan) int {
	n := 0
	for _, a := range []generator.Action{generator.Create, generator.Update, generator.Merge, generator.Conflict, generator.Delete, generator.Edited} {
		n += len(plan.Of(a))
	}
	return n
}
