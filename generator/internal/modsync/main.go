// Command modsync writes templates/module: the go.mod and go.sum of generated systems. It generates the shop, gives it the versions that
// this module uses, lets the go command tidy it, and stores what came out. Run it by go generate after a dependency of the platform changed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "modsync:", err)
		os.Exit(1)
	}
}

// run works from the folder templates, where go generate starts it.
func run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "msgen-modsync-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	spec, findings, err := schema.ReadFile(filepath.Join("examples", "shop.yaml"))
	if err != nil {
		return err
	}
	if findings.HasErrors() {
		return errors.New("the example does not load")
	}
	files, _, err := generator.Render(ctx, spec, generator.Options{Templates: os.DirFS(".")})
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Content, 0o644); err != nil {
			return err
		}
	}
	if err := seed(dir, spec.Module.V); err != nil {
		return err
	}
	tidy := exec.CommandContext(ctx, "go", "mod", "tidy")
	tidy.Dir = dir
	if out, err := tidy.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod tidy: %w\n%s", err, out)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return err
	}
	text := strings.Replace(string(mod), "module "+spec.Module.V, "module {{.Module}}", 1)
	return errors.Join(
		os.WriteFile(filepath.Join("module", "go.mod.tmpl"), []byte(text), 0o644),
		os.WriteFile(filepath.Join("module", "go.sum"), sum, 0o644),
	)
}

// seed gives the system this module's requirements and checksums: tidy keeps the versions and drops what is not needed.
func seed(dir, module string) error {
	text, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		return err
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	if err := mod.AddModuleStmt(module); err != nil {
		return err
	}
	for _, t := range mod.Tool {
		if err := mod.DropTool(t.Path); err != nil {
			return err
		}
	}
	out, err := mod.Format()
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join("..", "go.sum"))
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), out, 0o644), os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644))
}
