package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// specName is the spec's file name in the root of a system.
const specName = "msgen.yaml"

// readSpec reads the spec's text; path may be a file, a folder that holds msgen.yaml, or - for stdin.
func readSpec(t term.IO, path string) (name string, content []byte, err error) {
	if path == "-" {
		content, err = io.ReadAll(t.In)
		name = "<stdin>"
	} else {
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			path = filepath.Join(path, specName)
		}
		content, err = os.ReadFile(path)
		name = filepath.ToSlash(path)
	}
	if err != nil {
		return "", nil, usage("cannot read the spec: %w", err)
	}
	return name, content, nil
}

// check decodes a spec and runs the rules over it. The spec is nil when its text cannot be decoded at all.
func check(name string, content []byte) (*schema.Spec, diag.List) {
	spec, findings := schema.Load(name, content)
	// The rules see the spec as it was meant only when all of it could be decoded.
	if spec != nil && !findings.HasErrors() {
		findings = append(findings, rule.Run(spec)...)
		findings.Sort()
	}
	return spec, findings
}

// generatable is check for commands that write: a spec with errors, or with constructs that are not generated yet, ends the command. Warnings
// are printed and do not.
func generatable(t term.IO, name string, content []byte) (*schema.Spec, error) {
	spec, findings := check(name, content)
	if spec != nil && !findings.HasErrors() {
		findings = append(findings, schema.UnsupportedDiagnostics(spec)...)
		findings.Sort()
	}
	if err := printFindings(t, t.Err, findings); err != nil {
		return nil, err
	}
	switch {
	case spec == nil:
		return nil, &exitError{exitUsage, nil}
	case findings.HasErrors():
		_, _ = fmt.Fprintln(t.Err, "nothing was written")
		return nil, &exitError{exitFindings, nil}
	}
	return spec, nil
}

// protos reads the contract-first files that a spec names, from the folder of the spec.
func protos(spec *schema.Spec, dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, s := range spec.Services {
		name := s.Proto.V
		if name == "" {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, usage("%s: %s is outside the spec's folder", s.Proto.Span, name)
		}
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, usage("%s: %w", s.Proto.Span, err)
		}
		files[name] = content
	}
	return files, nil
}
