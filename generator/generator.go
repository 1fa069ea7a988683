// Package generator turns a spec into a system: it plans which files there are, renders them, and brings a folder in line with them.
package generator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/generator/asyncapi"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/generator/number"
	"github.com/msgen-dev/msgen/generator/openapi"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/generator/proto"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/templates"
)

// Options are what a system is generated from beside its spec.
type Options struct {
	// Protos are the contract-first .proto files, by the path that the spec gives.
	Protos map[string][]byte
	// History is the content of migration.File in the folder that is generated into; nil when there is none.
	History []byte
	// Numbers are the numbers that the lock remembers. Render adds what is new in the spec, so that the lock can be written with it; nil means
	// that nothing is remembered.
	Numbers number.Table
	// Renames are the renames of the spec that are still to be done; nil is none.
	Renames *Renames
	// DesignOnly leaves everything out but the architecture document.
	DesignOnly bool
	// Templates replaces the built-in templates; nil is the built-in ones.
	Templates fs.FS
	// Overrides stand in the places of single templates; nil is none.
	Overrides *override.Set
}

// Render returns every file of the system that spec describes, sorted by path. The spec has been validated. Findings are faults of the
// contracts (a .proto file that does not compile) and of the overrides (one that is no template, or makes Go that is none); with errors
// among them there are no files.
func Render(ctx context.Context, spec *schema.Spec, opts Options) ([]File, diag.List, error) {
	fsys := opts.Templates
	if fsys == nil {
		fsys = templates.FS
	}
	history, err := migration.Parse(opts.History)
	if err != nil {
		return nil, nil, err
	}
	opts.Renames.history(history)
	sys, findings := view.Build(spec, view.Options{Protos: opts.Protos, Numbers: opts.Numbers, MigrationSets: history.Sets()})
	if findings.HasErrors() {
		return nil, findings, nil
	}
	fsys = opts.Overrides.FS(fsys)
	want := func(o output) bool { return !opts.DesignOnly || strings.HasPrefix(o.template, "docs/") }
	var files []File
	set, err := parse(fsys, opts.Overrides, want)
	if err == nil {
		files, err = set.render(sys)
	}
	if broken := (templateFaults)(nil); errors.As(err, &broken) {
		if list := broken.findings(opts.Overrides); len(list) > 0 {
			return nil, append(findings, list...), nil
		}
	}
	if err != nil || opts.DesignOnly {
		return files, findings, err
	}
	files = append(files, File{Path: "msgen.schema.json", Class: Generated, Content: schema.JSONSchema()})
	steps, err := migrations(sys, history, opts.Renames)
	if err != nil {
		return nil, nil, err
	}
	files = append(files, steps...)
	contracts, faults, err := contracts(ctx, sys, opts.Protos)
	findings = append(findings, faults...)
	if err != nil || findings.HasErrors() {
		return nil, findings, err
	}
	runtime, err := platform(fsys, sys.Module, opts.Overrides)
	if broken := (templateFaults)(nil); errors.As(err, &broken) {
		return nil, append(findings, broken.findings(opts.Overrides)...), nil
	}
	if err != nil {
		return nil, nil, err
	}
	files = append(append(files, contracts...), runtime...)
	for i := range files {
		if files[i].Class != Generated {
			files[i].From = opts.Renames.place(files[i].Path)
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Path < files[j].Path })
	if opts.Numbers != nil {
		maps.Copy(opts.Numbers, sys.Numbers)
	}
	return files, findings, nil
}

// migrations are each service's migrations, those of before and the one to the tables of now, and their history.
func migrations(sys *view.System, history migration.History, renames *Renames) ([]File, error) {
	var files []File
	for _, s := range sys.Services {
		history.Advance(s.Name, s.Tables(), renames.tablesOf(s.Name)...)
		if history[s.Name] == nil {
			continue
		}
		for _, step := range history[s.Name].Steps {
			files = append(files, File{Path: s.Dir + "/internal/gen/migrations/" + step.Name, Class: Yours, Content: []byte(step.SQL)})
		}
	}
	for name := range history {
		if !sys.Has(name) {
			delete(history, name)
		}
	}
	text, err := history.Marshal()
	if err != nil {
		return nil, err
	}
	return append(files, File{Path: migration.File, Class: Generated, Content: text}), nil
}

// contracts are the files below api/: proto sources, stubs and the API documents.
func contracts(ctx context.Context, sys *view.System, protos map[string][]byte) ([]File, diag.List, error) {
	sources := proto.Render(sys)
	packages := map[string]string{}
	for _, s := range sys.Services {
		if name := s.Spec.Proto.V; name != "" {
			sources[s.ProtoFile] = protos[name]
			packages[s.ProtoFile] = s.Import + ";" + s.Package
		}
	}
	stubs, findings, err := proto.Stubs(ctx, sources, packages)
	if err != nil || findings.HasErrors() {
		return nil, findings, err
	}
	var files []File
	add := func(path string, content []byte) {
		files = append(files, File{Path: "api/" + path, Class: Generated, Content: content})
	}
	for path, content := range sources {
		add(path, content)
	}
	for path, content := range stubs {
		add(path, content)
	}
	if sys.Gateway != nil {
		doc, err := openapi.Render(sys)
		if err != nil {
			return nil, nil, fmt.Errorf("openapi: %w", err)
		}
		add("openapi.yaml", doc)
	}
	if len(sys.Topics) > 0 {
		doc, err := asyncapi.Render(sys)
		if err != nil {
			return nil, nil, fmt.Errorf("asyncapi: %w", err)
		}
		add("asyncapi.yaml", doc)
	}
	return files, findings, nil
}
