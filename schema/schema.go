// Package schema is the architecture spec: it decodes msgen.yaml, fills in what was left out, resolves its references, and keeps
// where every value stands.
package schema

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// Version is the apiVersion that this package reads.
const Version = "msgen/v1"

// maxSize bounds a spec, in bytes. A spec of a thousand services takes about one megabyte.
const maxSize = 16 << 20

// ReadFile loads the spec at path. The error is about reading the file; what is wrong with its text is in the list.
func ReadFile(path string) (*Spec, diag.List, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the spec: %w", err)
	}
	spec, list := Load(filepath.ToSlash(path), content)
	return spec, list, nil
}

// Load decodes a spec; name is shown in diagnostics as it is. The spec is nil when the text is no YAML mapping; otherwise it holds all
// that could be decoded, and can be used only when the list has no errors and the rules have run. References are resolved, and those
// that lead nowhere are in Spec.Unresolved.
func Load(name string, content []byte) (*Spec, diag.List) {
	file := source.NewFile(name, content)
	root, list := parse(file)
	if root == nil {
		return nil, withoutFixes(list) // what the YAML means is for people to say
	}
	d := &decoder{file: file, spec: &Spec{File: file}}
	specObject.decode(d, root, place{}, d.spec)
	if !d.exhausted {
		d.fillDefaults()
		d.resolve()
		d.inferFromReferences()
		d.spec.findQuiet()
		d.checkSecurity()
		d.checkShards()
		d.checkCache()
		d.checkLimits()
		d.findUnsupported()
	}
	if d.spec.Aliased {
		d.list = withoutFixes(d.list)
	}
	d.list.Sort()
	return d.spec, d.list
}

func withoutFixes(list diag.List) diag.List {
	for i := range list {
		list[i].Fix = nil
	}
	return list
}
