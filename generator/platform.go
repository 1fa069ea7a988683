package generator

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/generator/override"
)

// platformDir is the platform's folder, among the templates and in a system.
const platformDir = "platform"

// platformModule is the import path that the platform's packages have here.
const platformModule = "github.com/msgen-dev/msgen/templates/" + platformDir

// copied reports that a file of the platform becomes one of a system. Benchmarks against other projects stay here.
func copied(name string) bool { return !strings.HasSuffix(name, "_peer_test.go") }

// platform returns the runtime as it is copied into a system: the Go sources with their import paths rewritten, and what they embed.
// Those that are the project's own (own) and are not Go come as faults.
func platform(fsys fs.FS, module string, own *override.Set) ([]File, error) {
	var files []File
	var wrong templateFaults
	err := fs.WalkDir(fsys, platformDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !copied(name) {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if own.Get(name) != nil {
			if flaw := check(name, content); flaw != nil {
				wrong = append(wrong, &fault{template: name, output: name, result: content, flaw: flaw})
				return nil
			}
		}
		if strings.HasSuffix(name, ".go") {
			if content, err = rewriteImports(content, module+"/"+platformDir); err != nil {
				return fmt.Errorf("templates/%s: %w", name, err)
			}
			if !bytes.HasPrefix(content, []byte("// Code generated ")) {
				content = append([]byte(header), content...)
			}
		}
		files = append(files, File{Path: name, Class: Generated, Content: content})
		return nil
	})
	if err == nil && len(wrong) > 0 {
		return nil, wrong
	}
	return files, err
}

// rewriteImports replaces the platform's own import path in a Go file, byte by byte, so that nothing else of it changes. The rewritten paths
// sort as before: the group of local imports keeps its order.
func rewriteImports(src []byte, to string) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var out []byte
	last := 0
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		rest, ok := strings.CutPrefix(p, platformModule)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		from, end := fset.Position(spec.Path.Pos()).Offset, fset.Position(spec.Path.End()).Offset
		out = append(out, src[last:from]...)
		out = strconv.AppendQuote(out, to+rest)
		last = end
	}
	return append(out, src[last:]...), nil
}
