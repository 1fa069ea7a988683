package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
)

type newOptions struct {
	form
	spec string
	dir  string
	from string // the folder of the spec: contracts are read from there
}

func newNew(t term.IO) *cobra.Command {
	o := &newOptions{form: form{IO: t, thing: "system", args: []string{"name"}}}
	o.questions = o.newQuestions()
	cmd := &cobra.Command{
		Use:   "new [NAME]",
		Short: "Create a system with its spec",
		Long: `Creates NAME/ with its msgen.yaml and the whole system. The spec is an example's, a file of yours, or has one service that you describe.

On a terminal it asks for the name and for what to start from, unless both are said, and shows the spec before anything is written. Without one, or with --yes, it asks
nothing: the example minimal, the smallest system that has everything, is the default.`,
		Example: `  msgen new
  msgen new shop --example shop
  msgen new billing --spec billing.yaml --module example.org/billing
  msgen new ratings --example none --service ratings --responsibility "Keeps ratings." --owner team-a --aggregate Rating --field "stars: int32"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), cmd, args) },
	}
	cmd.Flags().StringVar(&o.spec, "spec", "", "the spec to start from; its own name and module stay")
	cmd.Flags().StringVar(&o.dir, "dir", "", "where to create it (default ./NAME)")
	o.flags(cmd.Flags())
	o.completes(cmd, func() bool { return true })
	cmd.MarkFlagsMutuallyExclusive("spec", "example")
	return cmd
}

// answered are the answers of the flags, or those of the person who is there.
func (o *newOptions) answered(ctx context.Context, cmd *cobra.Command, args []string) (tui.Answers, error) {
	given, err := o.given(cmd, args)
	if err != nil {
		return nil, err
	}
	if o.open(given) {
		return o.ask(ctx, given, o.preview, "Create the system?")
	}
	answers := o.defaults(given)
	if err := o.complete(answers); err != nil {
		return nil, err
	}
	if o.spec == "" && len(given["example"]) == 0 {
		_, _ = fmt.Fprintln(o.Err, "starting from the example minimal; --example shop has everything, --spec FILE is your own")
	}
	return answers, nil
}

func (o *newOptions) run(ctx context.Context, cmd *cobra.Command, args []string) error {
	answers, err := o.answered(ctx, cmd, args)
	if err != nil {
		return err
	}
	dir := o.dir
	if dir == "" {
		dir = answers.One("name")
	}
	if err := empty(dir); err != nil {
		return err
	}
	name, content, err := o.source(answers)
	if err != nil {
		return err
	}
	if o.spec != "" {
		o.from = filepath.Dir(filepath.FromSlash(name)) // for stdin the folder one is in
	}
	spec, err := generatable(o.IO, name, content)
	if err != nil {
		return err
	}

	// The tree is made beside its place and moved there whole: a run that fails or is interrupted leaves nothing behind.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(parent, ".msgen-new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := o.write(ctx, temp, spec, content); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	// An empty folder may stand in the way; one that is not empty makes Remove fail.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		return err
	}
	o.next(dir, spec)
	return nil
}

// empty checks that a new system can be made at dir.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usage("%s is in the way: %w", dir, err)
	case len(entries) > 0:
		return usage("%s is not empty; to bring an existing system in line with its spec, run msgen generate in it", dir)
	}
	return nil
}

// write makes the whole system in dir, which is empty.
func (o *newOptions) write(ctx context.Context, dir string, spec *schema.Spec, content []byte) error {
	if err := os.WriteFile(filepath.Join(dir, specName), content, 0o644); err != nil {
		return err
	}
	texts, err := sound(ctx, o.IO, spec, o.from)
	if err != nil {
		return err
	}
	for name, text := range texts {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return err
		}
	}
	p, err := plan(ctx, o.IO, dir, spec, content, generator.Options{}, false)
	if err != nil {
		return err
	}
	return apply(o.IO, dir, p, nil)
}

// next says what to do with the new system.
func (o *newOptions) next(dir string, spec *schema.Spec) {
	_, _ = fmt.Fprintf(o.Err, "\n%s is in %s. Next:\n  cd %s\n  make test\n", spec.System.V, dir, dir)
	for _, target := range spec.Deployment.Targets {
		if target.V == "compose" {
			_, _ = fmt.Fprintln(o.Err, "  make up")
		}
	}
	_, _ = fmt.Fprintln(o.Err, "docs/architecture.md is the design; README.md says where to write your code.")
}
