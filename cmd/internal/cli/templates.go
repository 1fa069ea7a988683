package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/templates"
)

func newTemplates(t term.IO) *cobra.Command {
	o := &templatesOptions{IO: t}
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Change the templates that this system is made from",
		Long: `A file below .msgen/templates stands in for the built-in template of the same name: eject puts a copy of it there, which is yours to edit, and
msgen generate uses it from then on. Commit the folder. What a template makes keeps its class, and is checked before anything is written.`,
		Example: "  msgen templates list deploy\n  msgen templates eject deploy/Dockerfile.tmpl\n  msgen templates diff",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&o.dir, "dir", ".", "the system's folder")
	cmd.AddCommand(o.newList(), o.newEject(), o.newDiff(), o.newMerge())
	return cmd
}

// templatesOptions are what the commands below templates work on.
type templatesOptions struct {
	term.IO
	dir string

	all   []override.Template
	set   *override.Set
	found diag.List // files that are no overrides
}

// load reads what there is to override and what is overridden.
func (o *templatesOptions) load() (err error) {
	if o.all, err = generator.Templates(); err != nil {
		return err
	}
	o.set, o.found, err = override.Read(o.dir, o.all)
	under(o.dir, o.found)
	return err
}

// named are the overrides of some names, or all of them.
func (o *templatesOptions) named(names []string) ([]*override.Override, error) {
	if len(names) == 0 {
		return o.set.All(), nil
	}
	var list []*override.Override
	for _, name := range names {
		if err := o.known(name); err != nil {
			return nil, err
		}
		own := o.set.Get(name)
		if own == nil {
			return nil, usage("%s is not overridden; msgen templates eject makes a copy that is yours", name)
		}
		list = append(list, own)
	}
	return list, nil
}

// known checks that a name is that of a template that can be overridden.
func (o *templatesOptions) known(name string) error {
	i := slices.IndexFunc(o.all, func(t override.Template) bool { return t.Name == name })
	switch {
	case i >= 0 && o.all[i].Fixed != "":
		return usage("%s cannot be overridden: %s", name, o.all[i].Fixed)
	case i >= 0:
		return nil
	}
	if near := override.Near(name, o.all); near != "" {
		return usage("there is no template %q; did you mean %q?", name, near)
	}
	return usage("there is no template %q; msgen templates list names them", name)
}

// report prints the files below .msgen/templates that override nothing, and ends the command when there are any.
func (o *templatesOptions) report() error {
	if err := printFindings(o.IO, o.Err, o.found); err != nil {
		return err
	}
	if o.found.HasErrors() {
		return &exitError{exitFindings, nil}
	}
	return nil
}

// The states of a template.
const (
	stateBuiltIn    = "built-in"
	stateOverridden = "overridden"
	stateStale      = "stale" // overridden, and the original has changed since
	stateFixed      = "fixed" // it cannot be overridden
)

// listed is a template as list prints it.
type listed struct {
	Name  string `json:"name"`
	Makes string `json:"makes"`
	Class string `json:"class"`
	State string `json:"state"`
}

func (o *templatesOptions) newList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "list [PREFIX…]",
		Short: "List the templates, what each makes, and which are overridden",
		Long: `Lists the templates, or those whose names begin with a PREFIX: the state, the class of what it makes, its name and the path of what it makes.
The states are built-in, overridden, stale (overridden, and its original has changed since it was ejected) and fixed (it cannot be overridden).`,
		Example: "  msgen templates list\n  msgen templates list platform/rpc --json",
		RunE:    func(_ *cobra.Command, args []string) error { return o.list(args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (o *templatesOptions) list(prefixes []string, asJSON bool) error {
	if err := o.load(); err != nil {
		return err
	}
	stale, err := o.set.Stale(templates.FS)
	if err != nil {
		return err
	}
	rows := []listed{}
	for _, t := range o.all {
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(t.Name, p) }) {
			continue
		}
		row := listed{Name: t.Name, Makes: t.Output, Class: t.Class, State: stateBuiltIn}
		own := o.set.Get(t.Name)
		switch {
		case t.Fixed != "":
			row.State = stateFixed
		case slices.Contains(stale, own):
			row.State = stateStale
		case own != nil:
			row.State = stateOverridden
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return usage("no template's name begins with %s; msgen templates list names them", strings.Join(prefixes, " or "))
	}
	if err := o.print(rows, asJSON); err != nil {
		return err
	}
	return o.report()
}

func (o *templatesOptions) print(rows []listed, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(o.Out)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r.Name))
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(o.Out, "%-10s  %-9s  %-*s  %s\n", r.State, r.Class, width, r.Name, r.Makes); err != nil {
			return err
		}
	}
	return nil
}

func (o *templatesOptions) newDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [NAME…]",
		Short: "Print what overrides have changed in their originals",
		Long: `Prints, as a unified diff, what the overrides of some templates have changed in their originals as this msgen has them; without a NAME
those of all.`,
		ValidArgsFunction: o.complete((*templatesOptions).overridden),
		RunE:              func(_ *cobra.Command, args []string) error { return o.diff(args) },
	}
}

func (o *templatesOptions) diff(names []string) error {
	if err := o.load(); err != nil {
		return err
	}
	list, err := o.named(names)
	if err != nil {
		return err
	}
	for _, own := range list {
		original, err := fs.ReadFile(templates.FS, own.Name)
		if err != nil {
			return err
		}
		body, _ := override.Body(own.File.Content)
		if _, err := fmt.Fprint(o.Out, edit.Diff(own.Name, original, body)); err != nil {
			return err
		}
	}
	return o.report()
}

// inSystem checks that the folder has a spec, so that nothing is put where no system is.
func (o *templatesOptions) inSystem() error {
	if _, err := os.Stat(filepath.Join(o.dir, specName)); errors.Is(err, fs.ErrNotExist) {
		return usage("there is no %s in %s: run this in a system's folder, or name it with --dir", specName, o.dir)
	} else if err != nil {
		return err
	}
	return nil
}

// complete offers, for a command's arguments, the names that are not given yet.
func (o *templatesOptions) complete(names func(*templatesOptions) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if err := o.load(); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list := slices.DeleteFunc(names(o), func(name string) bool { return slices.Contains(args, name) })
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// overridden are the names of the overrides.
func (o *templatesOptions) overridden() []string {
	var names []string
	for _, own := range o.set.All() {
		names = append(names, own.Name)
	}
	return names
}

// overridable are the names of the templates that have no override yet and can have one.
func (o *templatesOptions) overridable() []string {
	var names []string
	for _, t := range o.all {
		if t.Fixed == "" && o.set.Get(t.Name) == nil {
			names = append(names, t.Name)
		}
	}
	return names
}
