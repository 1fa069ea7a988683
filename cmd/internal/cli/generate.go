package cli

import (
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
		plan, _, err := o.plan(ctx, spec, content)
		if err != nil {
			return err
		}
		switch {
		case o.diff:
			err = printDiff(o.Out, plan)
		case o.dryRun:
			err = printPlan(o.Out, plan)
		}
		if err != nil {
			return err
		}
		if o.diff || o.dryRun {
			warn(o.IO, o.dir, plan)
		}
		if n := pending(plan); o.check && n > 0 {
			return &exitError{exitFindings, fmt.Errorf("the tree is out of date (%d %s): run msgen generate", n, plural(n, "file"))}
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
	plan, pruned, err := o.plan(ctx, spec, content)
	if err != nil {
		return err
	}
	return apply(o.IO, o.dir, plan, pruned)
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
	var err error
	if opts.Protos, err = sound(ctx, t, spec, dir); err != nil {
		return nil, err
	}
	old, err := lock.Read(filepath.Join(dir, lock.Name))
	if err != nil {
		return nil, err
	}
	sources := generator.Sources(content, opts.Protos)
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

func pending(plan *generator.Plan) int {
	n := 0
	for _, a := range []generator.Action{generator.Create, generator.Update, generator.Merge, generator.Conflict, generator.Delete, generator.Edited} {
		n += len(plan.Of(a))
	}
	return n
}
