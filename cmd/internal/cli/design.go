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
)

func newDesign(t term.IO) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "design",
		Short: "Write the architecture document only",
		Long:  "Writes docs/architecture.md from msgen.yaml: the protocol's first phase. No code and no deploy files.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return design(cmd.Context(), t, dir) },
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
	texts, err := sound(ctx, t, spec, dir)
	if err != nil {
		return err
	}
	files, findings, err := generator.Render(ctx, spec, generator.Options{Protos: texts, DesignOnly: true})
	if err != nil {
		return err
	}
	if err := refuse(t, findings); err != nil {
		return err
	}
	if err := writeDesign(dir, files); err != nil {
		var edited *generator.EditedError
		if errors.As(err, &edited) {
			return &exitError{exitFindings, err}
		}
		return err
	}
	for _, f := range files {
		if _, err := fmt.Fprintln(t.Out, filepath.Join(dir, filepath.FromSlash(f.Path))); err != nil {
			return err
		}
	}
	return nil
}

// writeDesign writes the document. Where a system has been generated its lock says whether the document was edited, and learns what is
// written now. Before that there is no lock and none is made: the document is all that the first phase writes.
func writeDesign(dir string, files []generator.File) (err error) {
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
	if err := generator.Recover(dir); err != nil {
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
