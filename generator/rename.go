package generator

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// Rename is a part of the spec that has another name than the one that the lock knows it by.
type Rename struct {
	Kind     string // service, method, event, aggregate, field
	From, To string
	Service  string // whose method or aggregate it is, as it is called now; "" for what is of no service
	Path     string // of a field, without its name: services.orders.aggregates.Order.fields.

	was, is *view.Service // the service, or whose method it is
}

// String is "the service notes is jottings now".
func (r Rename) String() string {
	of := ""
	switch {
	case r.Path != "":
		of = " of " + strings.TrimSuffix(strings.TrimSuffix(r.Path, "."), ".fields")
	case r.Service != "":
		of = " of " + r.Service
	}
	return fmt.Sprintf("the %s %s%s is %s now", r.Kind, r.From, of, r.To)
}

// Renames are what a spec calls otherwise than the last run did, and where the files are that belong to it.
type Renames struct {
	All []Rename
	// Idle are the keys that have nothing to do: the lock does not know the name of before.
	Idle []Idle

	was, now *view.System
	places   map[string]string            // a path now → the path before, of what the table of templates writes
	folders  map[string]string            // a folder before → the folder now, with all that is in it
	packages map[string]goPackage         // a folder of Go before → what it is now
	handlers map[string]map[string]string // a service's folder now → its handlers before → now
	types    []retype
	messages map[string]string             // messages before → now
	tables   map[string][]migration.Rename // by service
}

// retype is how the types of a generated package begin in other packages.
type retype struct {
	before *regexp.Regexp
	now    []byte
}

// Idle is a renamedFrom that has nothing to do, by its logical path.
type Idle struct {
	Path string // services.orders.renamedFrom
	From schema.Value[string]
}

// goPackage is where a package has gone.
type goPackage struct {
	dir       string
	was, name string // of the package before and now; "" when they are not told by the path
}

// NewRenames finds the renames of a spec that are still to be done by what the lock knows, and lets the lock's numbers follow them: old.Numbers
// has the names of now afterwards. protos are the contract-first files by the path that the spec gives. The findings are names of before that
// nothing can have, as the lock knows both. The spec has been validated.
func NewRenames(spec *schema.Spec, protos map[string][]byte, old *lock.File) (*Renames, diag.List) {
	r := &Renames{places: map[string]string{}, folders: map[string]string{}, packages: map[string]goPackage{}, handlers: map[string]map[string]string{}, messages: map[string]string{}, tables: map[string][]migration.Rename{}}
	if !HasRenames(spec) {
		return r, nil
	}
	var found diag.List
	if r.now, found = view.Build(spec, view.Options{Protos: protos}); found.HasErrors() {
		return &Renames{}, nil // Render says so
	}
	findings := r.find(spec, old)
	if len(r.All) == 0 || findings.HasErrors() {
		return r, findings
	}
	before, _ := schema.Load(spec.File.Name, spec.File.Content)
	r.rewind(before)
	if r.was, found = view.Build(before, view.Options{Protos: protos}); found.HasErrors() {
		return r, append(findings, found...)
	}
	r.rewindContracts()
	r.pair()
	r.pairTables()
	r.moveNumbers(old)
	return r, findings
}

// from is what a part is called before; itself when it has not been renamed.
func (r *Renames) from(kind, service, name string) string {
	for _, one := range r.All {
		if one.Kind == kind && one.Service == service && one.To == name {
			return one.From
		}
	}
	return name
}

// place is where a path's file was before; "" when it was nowhere else.
func (r *Renames) place(to string) string {
	if r == nil {
		return ""
	}
	if from := r.places[to]; from != "" {
		return from
	}
	for was, now := range r.folders {
		if rest, ok := strings.CutPrefix(to, now+"/"); ok {
			return path.Join(was, rest)
		}
	}
	return ""
}

// history lets the migrations of services follow their names: their databases have run them.
func (r *Renames) history(h migration.History) {
	if r == nil {
		return
	}
	for _, one := range r.All {
		if one.Kind == "service" {
			h.Rename(one.From, one.To, one.was.Snake)
		}
	}
}

// tablesOf are the tables of a service that have other names, or columns that have.
func (r *Renames) tablesOf(service string) []migration.Rename {
	if r == nil {
		return nil
	}
	return r.tables[service]
}
