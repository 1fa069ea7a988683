// Package drift compares a generated system with its lock and its spec: what was edited, is missing, is out of date, or was left in the
// middle of a merge.
package drift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// Input is what a system is generated from.
type Input struct {
	// Spec is the spec; nil when it has errors, and then nobody can say whether the tree is out of date (MSG903).
	Spec *schema.Spec
	// Content is the spec's text, and Protos are the contract-first files that it names, as for generator.Sources.
	Content []byte
	Protos  map[string][]byte
	// Version is that of this msgen, as for generator.NewPlan.
	Version string
}

// Check compares the folder root with its msgen.lock and with what in would generate. It reads and does not write. Spans show paths below
// root. Without a lock nothing was generated, and there is nothing to find. The spec is rendered only where the lock does not already say
// that the same would come out; what is then wrong with contract-first files and with the project's own templates is among the findings, as
// nothing can be compared.
func Check(ctx context.Context, root string, in Input) (diag.List, error) {
	t := &tree{root: root, Input: in}
	text, err := os.ReadFile(filepath.Join(root, lock.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.lockText = source.NewFile(lock.Name, text)
	if found := conflicts(t.lockText); len(found) > 0 { // nothing else can be read from it
		found = append(found, t.mergeMarkers(nil, false)...)
		found.Sort()
		return found, t.err
	}
	old, err := lock.Parse(text)
	if err != nil {
		return nil, err
	}
	if half, err := generator.Interrupted(root); err != nil {
		return nil, err
	} else if half { // the half that is new would seem edited
		t.add(rule.OutOfDate, lock.Name, t.lockLine("spec: "), "a run of msgen generate is writing here or was killed while it did", "", "run msgen generate, which finishes what is left")
		return t.list, nil
	}
	var found diag.List
	if t.overrides, found, err = generator.Overrides(root); err != nil {
		return nil, err
	}
	if found.HasErrors() { // what would be generated cannot be known, and why is what there is to say
		t.Spec = nil
	}
	if t.Spec != nil && generator.HasRenames(t.Spec) {
		names, err := t.renamed(old)
		if err != nil {
			return nil, err
		}
		found = append(found, names...)
	}
	sources := generator.Sources(in.Content, in.Protos, t.overrides)
	same, err := generator.UpToDate(root, old, in.Version, sources)
	if err != nil {
		return nil, err
	}
	t.list = append(t.mergeMarkers(old.Files, same), found...)
	if t.err != nil {
		return nil, t.err
	}
	if !same {
		if err := t.generated(old); err != nil {
			return nil, err
		}
		if err := t.outOfDate(ctx, old, sources); err != nil {
			return nil, err
		}
	}
	t.list.Sort()
	return t.list, nil
}

// tree is a system while it is checked.
type tree struct {
	root string
	Input
	overrides *override.Set
	renames   *generator.Renames
	lockText  *source.File
	list      diag.List
	reported  map[string]bool // paths that need no second finding
	err       error
}

// generated finds generated files that are edited or missing.
func (t *tree) generated(old *lock.File) error {
	for _, entry := range old.Files {
		if generator.Class(entry.Class) != generator.Generated {
			continue
		}
		content, err := t.read(entry.Path)
		if err != nil {
			return err
		}
		switch {
		case content == nil:
			t.add(rule.MissingGenerated, entry.Path, t.lockLine("path: "+entry.Path), "the generated file "+entry.Path+" is missing",
				"written by msgen "+old.Generator, "run msgen generate, and commit what it writes")
		case t.reported[entry.Path]: // in the middle of a merge
		case lock.Digest(content) != entry.SHA256:
			file := source.NewFile(entry.Path, content)
			t.add(rule.EditedGenerated, entry.Path, firstLine(file), "the generated file "+entry.Path+" was edited", "",
				"put the change into msgen.yaml or a file of yours, then delete this one and run msgen generate")
		}
	}
	return nil
}

// outOfDate finds that the spec would generate something else.
func (t *tree) outOfDate(ctx context.Context, old *lock.File, sources string) error {
	if t.Spec == nil || t.Version != generator.DevVersion && old.Generator == t.Version && old.Spec == sources {
		return nil // the same comes out: files that are edited or missing are the tree's only faults
	}
	if err := generator.Upgrade(t.root, old); err != nil {
		return err
	}
	opts := generator.Options{Protos: t.Protos, Numbers: old.Numbers, Renames: t.renames, Overrides: t.overrides}
	var err error
	if opts.History, err = t.read(migration.File); err != nil {
		return err
	}
	files, found, err := generator.Render(ctx, t.Spec, opts)
	if err != nil {
		return err
	}
	if found.HasErrors() {
		t.list = append(t.list, found...)
		return nil
	}
	plan, err := generator.NewPlan(t.root, files, old, t.Version, sources)
	if err != nil {
		return err
	}
	if err := plan.Follow(t.root, t.renames); err != nil {
		return err
	}
	var changes []string
	for _, action := range []generator.Action{
		generator.Create, generator.Update, generator.Move, generator.Rewrite, generator.Blocked, generator.Merge, generator.Conflict, generator.Delete,
	} {
		for _, path := range plan.Of(action) {
			if !t.reported[path] {
				changes = append(changes, string(action)+" "+path)
			}
		}
	}
	if len(changes) == 0 {
		return nil
	}
	at, label := t.lockLine("generator: "), "written by msgen "+old.Generator
	if old.Spec != sources {
		at, label = t.lockLine("spec: "), "written from another msgen.yaml"
		if len(t.overrides.All()) > 0 {
			label += " or other templates"
		}
	}
	t.add(rule.OutOfDate, lock.Name, at, "the tree is not what msgen.yaml generates", label, "run msgen generate, which would "+some(changes))
	return nil
}

// renamed finds names of before that the tree knows nothing of any more, and those that nothing can have had, which are errors.
func (t *tree) renamed(old *lock.File) (list diag.List, err error) {
	if err := generator.Upgrade(t.root, old); err != nil {
		return nil, err
	}
	if t.renames, list = generator.NewRenames(t.Spec, t.Protos, old); list.HasErrors() {
		t.Spec = nil // nothing can be generated
		return list, nil
	}
	for _, idle := range t.renames.Idle {
		d := rule.Finding(rule.IdleRename)
		d.Message, d.Path = fmt.Sprintf("there is nothing that is still called %s", idle.From.V), idle.Path
		d.Primary = diag.Label{Span: idle.From.Span, Text: "msgen.lock knows no such name"}
		d.Help = "the rename is done: remove the key once no branch has the old name any more"
		list = append(list, d)
	}
	return list, nil
}

// shown is how many changes a finding names.
const shown = 5

func some(changes []string) string {
	if len(changes) <= shown {
		return strings.Join(changes, ", ")
	}
	return strings.Join(changes[:shown], ", ") + fmt.Sprintf(" and change %d more", len(changes)-shown)
}

// add reports a finding on a file; path is the file's, and the finding's logical path.
func (t *tree) add(id, path string, at source.Span, message, label, help string) {
	if t.reported == nil {
		t.reported = map[string]bool{}
	}
	t.reported[path] = true
	d := rule.Finding(id)
	d.Message, d.Help, d.Path = message, help, path
	d.Primary = diag.Label{Span: at, Text: label}
	t.list = append(t.list, d)
}

// read is a file of the tree; nil when there is none.
func (t *tree) read(path string) ([]byte, error) {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("%s: %s is outside the system's folder", lock.Name, path)
	}
	content, err := os.ReadFile(filepath.Join(t.root, local))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if content == nil && err == nil {
		content = []byte{}
	}
	return content, err
}

// lockLine is the rest of the lock's line that begins, after blanks and a dash, with a text.
func (t *tree) lockLine(text string) source.Span {
	for n := 1; n <= t.lockText.Lines(); n++ {
		line := t.lockText.Line(n)
		trimmed := strings.TrimLeft(line, " -")
		if strings.HasPrefix(trimmed, text) {
			col := len(line) - len(trimmed) + 1
			return lineSpan(t.lockText, n, col)
		}
	}
	return firstLine(t.lockText)
}

func firstLine(f *source.File) source.Span { return lineSpan(f, 1, 1) }

// lineSpan is a line from a column to its end.
func lineSpan(f *source.File, n, col int) source.Span {
	return source.Span{File: f, Start: source.Pos{Line: n, Col: col}, End: source.Pos{Line: n, Col: max(len(f.Runes(n))+1, col)}}
}
