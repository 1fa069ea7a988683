package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
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
	contracts, err := protos(spec, dir)
	if err != nil {
		return err
	}
	files, findings, err := generator.Render(ctx, spec, generator.Options{Protos: contracts, DesignOnly: true})
	if err != nil {
		return err
	}
	if err := printFindings(t, t.Err, findings); err != nil {
		return err
	}
	if findings.HasErrors() {
		return &exitError{exitFindings, nil}
	}
	for _, f := range files {
		target := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, f.Content, 0o644); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(t.Out, target); err != nil {
			return err
		}
	}
	return nil
}
