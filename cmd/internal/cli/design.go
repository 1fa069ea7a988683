package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

func newDesign(t term.IO) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "design",
		Short: "Write the architecture document only",
		Long: "Writes docs/architecture.md from msgen.yaml: the protocol's first phase. No code and no deploy files. Then it prints the document's\n" +
			"name and, for each saga, every way that it can go.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return design(cmd.Context(), t, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "the system's folder")
	return cmd
}

func design(ctx context.Context, t term.IO, dir string) error {
	name, content, err := readSpec(t, filepath.Join(dir, specName))
	if err != nil {
		return err
	}
	spec, err := generatable(t, name, content)
	if err != nil {
		return err
	}
	defer t.Done()
	t.Doing("compiling the contracts")
	texts, err := sound(ctx, t, spec, dir)
	if err != nil {
		return err
	}
	own, err := overrides(t, dir)
	if err != nil {
		return err
	}
	t.Doing("rendering the document")
	files, findings, err := generator.Render(ctx, spec, generator.Options{Protos: texts, Overrides: own, DesignOnly: true})
	if err != nil {
		return err
	}
	if err := refuse(t, under(dir, findings, spec.File)); err != nil {
		return err
	}
	if err := writeDesign(t, dir, files); err != nil {
		var edited *generator.EditedError
		if errors.As(err, &edited) {
			return &exitError{exitFindings, err}
		}
		return err
	}
	t.Done()
	for _, f := range files {
		if _, err := fmt.Fprintln(t.Out, filepath.Join(dir, filepath.FromSlash(f.Path))); err != nil {
			return err
		}
	}
	return printPaths(t.Out, spec)
}

// printPaths prints every way that each saga can go.
func printPaths(out io.Writer, spec *schema.Spec) error {
	for _, saga := range spec.Sagas {
		if _, err := fmt.Fprintf(out, "\nsaga %s\n", saga.Name.V); err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "  what happens\twhat follows\tend\tleaves")
		for _, p := range (&view.Saga{Spec: saga}).Paths() {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", p.Happens, p.Follows, p.End, p.Leaves)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// writeDesign writes the document. Where a system has been generated its lock says whether the document was edited, and learns what is
// written now. Before that there is no lock and none is made: the document is all that the first phase writes.
func writeDesign(t term.IO, dir string, files []generator.File) (err error) {
	if _, err := os.Lstat(filepath.Join(dir, lock.Name)); errors.Is(err, fs.ErrNotExist) {
		for _, f := range files {
			if err := generator.Replace(dir, f, generator.IsDesign); err != nil {
				return err
			}
		}
		return nil
	}
	release, err := generator.Exclusive(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := recoverTree(t, dir); err != nil {
		return err
	}
	old, err := lock.Read(filepath.Join(dir, lock.Name))
	if err != nil {
		return err
	}
	plan, err := generator.NewPartialPlan(dir, files, old)
	if err != nil {
		return err
	}
	return generator.Apply(dir, plan)
}
