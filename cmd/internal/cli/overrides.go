package cli

import (
	"fmt"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/templates"
)

// overrides are the templates of its own that the system in dir has, for commands that render. What cannot be one ends the command. Those whose
// originals this msgen has changed are named, and used as they are.
func overrides(t term.IO, dir string) (*override.Set, error) {
	set, findings, err := generator.Overrides(dir)
	if err != nil {
		return nil, err
	}
	if err := refuse(t, under(dir, findings)); err != nil {
		return nil, err
	}
	stale, err := set.Stale(templates.FS)
	if err != nil {
		return nil, err
	}
	for _, o := range stale {
		_, _ = fmt.Fprintf(t.Err, "%s was made from the original of msgen %s, which has changed: msgen templates merge brings what is new into it\n",
			o.File.Name, o.Origin.Version)
	}
	return set, nil
}
