package generator

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"strconv"
	"strings"
)

// platformModule is the import path that the platform's packages have here.
const platformModule = "github.com/msgen-dev/msgen/templates/platform"

// platform returns the runtime as it is copied into a system: the Go sources with their import paths rewritten, and what they embed.
// Benchmarks against other projects (*_peer_test.go) stay here.
func platform(fsys fs.FS, module string) ([]File, error) {
	var files []File
	err := fs.WalkDir(fsys, "platform", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_peer_test.go") {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, ".go") {
			if content, err = rewriteImports(content, module+"/platform"); err != nil {
				return fmt.Errorf("templates/%s: %w", name, err)
			}
			if !bytes.HasPrefix(content, []byte("// Code generated ")) {
				content = append([]byte(header), content...)
			}
		}
		files = append(files, File{Path: name, Class: Generated, Content: content})
		return nil
	})
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
