package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/merge"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/templates"
)

func (o *templatesOptions) newEject() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "eject NAME…",
		Short: "Copy templates to .msgen/templates, where they are yours to edit",
		Long: `Copies the built-in templates of some names to .msgen/templates, each with a first line that says what it was made from. It makes the same as
before until you edit it. What is already yours is left alone unless --force is given.`,
		Example:           "  msgen templates eject deploy/Dockerfile.tmpl",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: o.complete((*templatesOptions).overridable),
		RunE:              func(_ *cobra.Command, args []string) error { return o.eject(args, force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace an override by the original")
	return cmd
}

func (o *templatesOptions) eject(names []string, force bool) error {
	if err := o.inSystem(); err != nil {
		return err
	}
	if err := o.load(); err != nil {
		return err
	}
	for _, name := range names {
		if err := o.known(name); err != nil {
			return err
		}
		if own := o.set.Get(name); own != nil && !force {
			return &exitError{exitFindings, fmt.Errorf("%s is there already, and is yours: --force replaces it by the original", override.Path(name))}
		}
	}
	for _, name := range names {
		original, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			return err
		}
		text := override.Eject(name, original, Version)
		if err := o.write(name, text, text); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(o.Out, path.Join(o.dir, override.Path(name))); err != nil {
			return err
		}
	}
	return nil
}

// write writes an override and the original that it was made from, which a later merge needs.
func (o *templatesOptions) write(name string, text, base []byte) error {
	ours := func([]byte) bool { return true }
	if err := generator.Replace(o.dir, generator.File{Path: override.Path(name), Content: text}, ours); err != nil {
		return err
	}
	return generator.Replace(o.dir, generator.File{Path: generator.BasePath(override.Path(name)), Content: base}, ours)
}

func (o *templatesOptions) newMerge() *cobra.Command {
	return &cobra.Command{
		Use:   "merge [NAME…]",
		Short: "Bring what is new in the originals into their overrides",
		Long: `After an upgrade of msgen: joins what you changed in a template with what has changed in its original since it was ejected, as msgen generate does for
merged files. Where both changed the same lines they stand between markers, for you to choose, and the command exits 1. Without a NAME it is done for
every override whose original has changed.`,
		Example:           "  msgen templates merge && msgen generate --diff",
		ValidArgsFunction: o.complete((*templatesOptions).overridden),
		RunE:              func(_ *cobra.Command, args []string) error { return o.merge(args) },
	}
}

func (o *templatesOptions) merge(names []string) error {
	if err := o.load(); err != nil {
		return err
	}
	list, err := o.named(names)
	if err != nil {
		return err
	}
	stale, err := o.set.Stale(templates.FS)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		list = stale
	}
	var conflicts, left []string
	for _, own := range list {
		at := path.Join(o.dir, own.File.Name)
		switch result, ok, err := o.merged(own); {
		case err != nil:
			return err
		case !ok:
			left = append(left, at)
		case result.Conflicts > 0:
			conflicts = append(conflicts, at)
			_, _ = fmt.Fprintf(o.Err, "merged %s, with %d %s\n", at, result.Conflicts, plural(result.Conflicts, "conflict"))
		case bytes.Equal(result.Text, own.File.Content):
			_, _ = fmt.Fprintf(o.Err, "%s has all that is in its original\n", at)
		default:
			_, _ = fmt.Fprintf(o.Err, "merged %s: your edit and what has changed in its original\n", at)
		}
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintln(o.Err, "no original has changed: nothing to merge")
	}
	if len(left) > 0 {
		return &exitError{exitFindings, fmt.Errorf("nothing is known to merge from for %s: markers of an older merge are left in it, or what it was made "+
			"from is not in .msgen/base; see msgen templates diff, and msgen templates eject --force to begin anew", strings.Join(left, ", "))}
	}
	if len(conflicts) > 0 {
		return &exitError{exitFindings, fmt.Errorf("you and the original changed the same lines of %s: choose between the markers", strings.Join(conflicts, ", "))}
	}
	return o.report()
}

// merged merges one override with its original and writes the result. ok is false when what the override was made from is not kept, or markers of an
// older conflict are left in it.
func (o *templatesOptions) merged(own *override.Override) (result merge.Result, ok bool, err error) {
	original, err := fs.ReadFile(templates.FS, own.Name)
	if err != nil {
		return merge.Result{}, false, err
	}
	if own.Origin.SHA256 == override.Digest(original) {
		return merge.Result{Text: own.File.Content}, true, nil
	}
	kept, err := generator.Base(o.dir, own.File.Name)
	if err != nil {
		return merge.Result{}, false, err
	}
	base, _ := override.Body(kept)
	if kept == nil || override.Digest(base) != own.Origin.SHA256 || merge.Marker(own.File.Content) > 0 {
		return merge.Result{}, false, nil
	}
	body, _ := override.Body(own.File.Content)
	result = merge.Merge(base, body, original)
	result.Text = override.Signed(own.Name, result.Text, original, Version)
	return result, true, o.write(own.Name, result.Text, override.Eject(own.Name, original, Version))
}
