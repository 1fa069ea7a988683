package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

type generateOptions struct {
	term.IO
	dir     string
	dryRun  bool
	diff    bool
	check   bool
	prune   bool
	restore []string
}

func newGenerate(t term.IO) *cobra.Command {
	o := &generateOptions{IO: t}
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Bring the tree in line with msgen.yaml",
		Long: `Validates the spec, then writes what has changed: generated files are rewritten, yours are made once and never touched, and an edited
merged file (go.mod, Makefile, Dockerfile, README.md, CI) is merged with what has changed in its template. All or nothing.

What the spec no longer asks for is deleted when it is as msgen wrote it; a file of yours or an edited one is left and named, and --prune
deletes it too. --restore brings back a file as it is generated: one that you deleted, or a generated or merged one that you edited.`,
		Example: "  msgen generate --diff\n  msgen generate --check\n  msgen generate --restore gateway/routes.go",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.dir, "dir", ".", "the system's folder")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be written, and write nothing")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "print what would be written as a unified diff, and write nothing")
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing, and exit 1 when the tree is out of date (for CI)")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "also delete files that nothing in the spec asks for any more though they are yours or were edited")
	cmd.Flags().StringArrayVar(&o.restore, "restore", nil, "write the file at `PATH` again as it is generated; may be repeated")
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
	if o.dryRun || o.diff || o.check {
		return o.look(ctx, spec, content)
	}
	release, err := generator.Exclusive(o.dir)
	if err != nil {
		return err
	}
	defer func() { _ = release() }()
	if err := recoverTree(o.IO, o.dir); err != nil {
		return err
	}
	// What was killed may have been a command that adds to the spec, and only now the spec has it.
	if _, now, err := readSpec(o.IO, filepath.Join(o.dir, specName)); err != nil {
		return err
	} else if !bytes.Equal(now, content) {
		if spec, err = generatable(o.IO, name, now); err != nil {
			return err
		}
		content = now
	}
	plan, pruned, err := o.plan(ctx, spec, content)
	if err != nil {
		return err
	}
	return apply(o.IO, o.dir, plan, pruned)
}

// look says what would be written, and writes nothing. A tree that a run has left half written is not looked at: half of it would seem edited.
func (o *generateOptions) look(ctx context.Context, spec *schema.Spec, content []byte) error {
	if interrupted, err := generator.Interrupted(o.dir); err != nil {
		return err
	} else if interrupted {
		return &exitError{exitFindings, errors.New("a run is writing here or was killed while it did: run msgen generate, which finishes what is left")}
	}
	plan, _, err := o.plan(ctx, spec, content)
	if err != nil {
		return err
	}
	lockChanges, err := plan.LockChanges(o.dir)
	if err != nil {
		return err
	}
	switch {
	case o.diff:
		err = printDiff(o.Out, plan)
	case o.dryRun:
		if err = printPlan(o.Out, plan); err == nil && lockChanges {
			_, err = fmt.Fprintf(o.Out, "%-8s %s\n", generator.Update, lock.Name)
		}
	}
	if err != nil {
		return err
	}
	if o.diff || o.dryRun {
		warn(o.IO, o.dir, plan)
	}
	switch n := pending(plan); {
	case !o.check:
	case n > 0:
		return &exitError{exitFindings, fmt.Errorf("the tree is out of date (%d %s): run msgen generate", n, plural(n, "file"))}
	case lockChanges:
		return &exitError{exitFindings, fmt.Errorf("%s is out of date, and nothing else: run msgen generate and commit it", lock.Name)}
	}
	return nil
}

// plan is what the flags make of the plan, and the orphans that it deletes.
func (o *generateOptions) plan(ctx context.Context, spec *schema.Spec, content []byte) (p *generator.Plan, pruned []string, err error) {
	p, err = plan(ctx, o.IO, o.dir, spec, content, generator.Options{}, o.prune || len(o.restore) > 0)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range o.restore {
		if err := p.Restore(o.target(p, path)); err != nil {
			return nil, nil, usage("--restore: %w", err)
		}
	}
	if o.prune {
		pruned = p.Prune()
	}
	return p, pruned, nil
}

// target is the path below the system's folder that --restore means: it is given from the current folder, as the shell completes it, or from
// the system's.
func (o *generateOptions) target(p *generator.Plan, given string) string {
	below := filepath.ToSlash(filepath.Clean(given))
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return below
	}
	at, err := filepath.Abs(given)
	if err != nil {
		return below
	}
	rel, err := filepath.Rel(dir, at)
	if err != nil || !filepath.IsLocal(rel) || !p.Generates(filepath.ToSlash(rel)) && p.Generates(below) {
		return below
	}
	return filepath.ToSlash(rel)
}

// plan renders the spec and compares it with dir. Faults of contracts are printed and end the command. With every
// it renders also what has not changed since the last run.
func plan(ctx context.Context, t term.IO, dir string, spec *schema.Spec, content []byte, opts generator.Options, every bool) (*generator.Plan, error) {
	defer t.Done()
	var err error
	t.Doing("compiling the contracts")
	if opts.Protos, err = sound(ctx, t, spec, dir); err != nil {
		return nil, err
	}
	old, err := lock.Read(filepath.Join(dir, lock.Name))
	if err != nil {
		return nil, err
	}
	if err := generator.Upgrade(dir, old); err != nil {
		return nil, err
	}
	if opts.Overrides, err = overrides(t, dir); err != nil {
		return nil, err
	}
	sources := generator.Sources(content, opts.Protos, opts.Overrides)
	if !every {
		if same, err := generator.UpToDate(dir, old, Version, sources); err != nil {
			return nil, err
		} else if same {
			return generator.Settled(dir, old)
		}
	}
	if opts.History, err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(migration.File))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var clashes diag.List
	if opts.Renames, clashes = generator.NewRenames(spec, opts.Protos, old); clashes != nil {
		if err := refuse(t, clashes); err != nil {
			return nil, err
		}
	}
	opts.Numbers = old.Numbers
	t.Doing("rendering %d %s", len(spec.Services), plural(len(spec.Services), "service"))
	files, findings, err := generator.Render(ctx, spec, opts)
	if err != nil {
		return nil, err
	}
	if err := refuse(t, under(dir, findings, spec.File)); err != nil {
		return nil, err
	}
	t.Doing("comparing %d %s with the tree", len(files), plural(len(files), "file"))
	p, err := generator.NewPlan(dir, files, old, Version, sources)
	if err != nil {
		return nil, err
	}
	if err := p.Follow(dir, opts.Renames); err != nil {
		return nil, err
	}
	return p, nil
}

func pending(plan *generator.Plan) int {
	n := 0
	for _, a := range []generator.Action{generator.Create, generator.Update, generator.Move, generator.Rewrite, generator.Merge, generator.Conflict, generator.Delete, generator.Edited, generator.Blocked} {
		n += len(plan.Of(a))
	}
	return n
}
