package compile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// Contracts reads and compiles the contract-first .proto files that a spec names, each by itself, and returns their texts by the names that the
// spec gives them. read is given such a name, relative to the spec's folder, with slashes; it is not called for one that leads out of the
// folder. Faults of syntax and of references come as findings, all those of all files, each at its place in the file; a file that is not there,
// or cannot be read, comes as one at the `proto:` of each service that names it. The error is of the compiler itself.
func Contracts(ctx context.Context, spec *schema.Spec, read func(name string) ([]byte, error)) (map[string][]byte, diag.List, error) {
	texts := map[string][]byte{}
	failed := map[string]error{}
	var findings diag.List
	for _, s := range spec.Services {
		name := s.Proto.V
		if name == "" {
			continue
		}
		if _, known := texts[name]; !known && failed[name] == nil {
			text, err := local(read, name)
			if err != nil {
				failed[name] = err
			} else {
				texts[name] = text
				_, faults, err := Files(ctx, map[string][]byte{name: text}, []string{name})
				if err != nil {
					return nil, nil, fmt.Errorf("compile %s: %w", name, err)
				}
				for _, d := range faults {
					if strings.HasPrefix(d.Message, noImport) {
						d.Help = "a contract imports what comes with protobuf, google.api, google.type.Money and buf.validate; messages of its own stand in it"
					}
					findings = append(findings, d)
				}
			}
		}
		if err := failed[name]; err != nil {
			findings = append(findings, unreadable(s, err))
		}
	}
	findings.Sort()
	return texts, findings, nil
}

var errOutside = errors.New("it is outside of the spec's folder")

func local(read func(string) ([]byte, error), name string) ([]byte, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, errOutside
	}
	return read(name)
}

// unreadable is a finding at the name of a contract.
func unreadable(s *schema.Service, err error) diag.Diagnostic {
	d := diag.Diagnostic{
		Severity: diag.Error, Path: "services." + s.Name.V + ".proto", Primary: diag.Label{Span: s.Proto.Span},
		Message: fmt.Sprintf("there is no file %s beside the spec", s.Proto.V), Help: "the name is relative to the spec's folder",
	}
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &path):
		d.Message = fmt.Sprintf("%s cannot be read: %v", s.Proto.V, path.Err) // the whole error would hold a path of this machine
	default:
		d.Message = fmt.Sprintf("%s cannot be read: %v", s.Proto.V, err)
	}
	return d
}
