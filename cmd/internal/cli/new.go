package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/templates"
)

type newOptions struct {
	term.IO
	name    string
	spec    string
	example string
	module  string
	dir     string
	from    string // the folder of the spec: contracts are read from there
}

func newNew(t term.IO) *cobra.Command {
	o := &newOptions{IO: t}
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Create a system with its spec",
		Long: `Creates NAME/ with its msgen.yaml and the whole system. The spec is an example's, or a file of yours. Without either it is the
smallest system that has everything.`,
		Example: "  msgen new shop --example shop\n  msgen new billing --spec billing.yaml --module example.org/billing",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.spec, "spec", "", "the spec to start from; its own name and module stay")
	cmd.Flags().StringVar(&o.example, "example", "", "the example to start from: shop or minimal (default minimal)")
	cmd.Flags().StringVar(&o.module, "module", "", "the Go module path (default the spec's, or example.com/NAME for an example)")
	cmd.Flags().StringVar(&o.dir, "dir", "", "where to create it (default ./NAME)")
	cmd.Flags().Bool("yes", false, "take the defaults without asking; msgen asks nothing yet, so scripts may always pass it")
	cmd.MarkFlagsMutuallyExclusive("spec", "example")
	return cmd
}

func (o *newOptions) run(ctx context.Context) error {
	if err := schema.CheckSystemName(o.name); err != nil {
		return usage("%w", err)
	}
	if o.module != "" {
		if err := schema.CheckModule(o.module); err != nil {
			return usage("--module: %w", err)
		}
	}
	dir := o.dir
	if dir == "" {
		dir = o.name
	}
	if err := empty(dir); err != nil {
		return err
	}
	name, content, err := o.source()
	if err != nil {
		return err
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

// source is the text of the new system's spec.
func (o *newOptions) source() (name string, content []byte, err error) {
	if o.spec != "" {
		if name, content, err = readSpec(o.IO, o.spec); err != nil {
			return "", nil, err
		}
		o.from = filepath.Dir(filepath.FromSlash(name)) // for stdin the folder one is in
		if o.module != "" {
			content = setKey(content, "module", o.module)
		}
		return name, content, nil
	}
	example := o.example
	if example == "" {
		example = "minimal"
		_, _ = fmt.Fprintln(o.Err, "starting from the example minimal; --example shop has everything, --spec FILE is your own")
	}
	content, err = fs.ReadFile(templates.FS, path.Join("examples", example+".yaml"))
	if err != nil {
		return "", nil, usage("there is no example %q; there are shop and minimal", o.example)
	}
	module := o.module
	if module == "" {
		module = "example.com/" + o.name
	}
	content = setKey(content, "system", o.name)
	return path.Join(example + ".yaml"), setKey(content, "module", module), nil
}

// setKey sets a top-level key of a spec's text and leaves everything else as it is. A missing key comes after system.
func setKey(content []byte, key, value string) []byte {
	line := regexp.MustCompile(`(?m)^` + key + `:[^#\r\n]*`)
	text := key + ": " + value
	if loc := line.FindIndex(content); loc != nil {
		old := string(content[loc[0]:loc[1]])
		text += old[len(strings.TrimRight(old, " ")):]
		return append(append(append([]byte{}, content[:loc[0]]...), text...), content[loc[1]:]...)
	}
	after := regexp.MustCompile(`(?m)^system:.*$`).FindIndex(content)
	if after == nil {
		return append([]byte(text+"\n"), content...)
	}
	return append(append(append([]byte{}, content[:after[1]]...), "\n"+text...), content[after[1]:]...)
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
