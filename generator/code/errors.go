package code

import (
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/msgen-dev/msgen/schema/diag"
)

// compileErrors are what the go command and the type checker say, once each.
func (t *texts) compileErrors(pkgs []*packages.Package) diag.List {
	var list, imports diag.List
	seen := map[packages.Error]bool{}
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		for _, e := range errorsOf(p) {
			label, path := t.errorAt(e.Pos)
			if path == "" {
				path = p.PkgPath
			}
			key := packages.Error{Pos: label.Span.String(), Msg: e.Msg}
			if seen[key] {
				continue
			}
			seen[key] = true
			if d := compileError(label, e.Msg, path); strings.HasPrefix(e.Msg, "could not import ") {
				imports = append(imports, d)
			} else {
				list = append(list, d)
			}
		}
	})
	if len(list) == 0 {
		return imports
	}
	return list // which says why a package cannot be imported
}

// errorsOf are the errors of one package, without those that say nothing more than others.
func errorsOf(p *packages.Package) []packages.Error {
	var list, output []packages.Error
	for _, e := range p.Errors {
		switch {
		case e.Kind == packages.ListError && strings.HasPrefix(e.Msg, "build constraints exclude all Go files"):
		case strings.HasPrefix(e.Msg, "# "):
			output = append(output, compilerOutput(e.Msg)...)
		default:
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return output
	}
	return list
}

// compilerOutput are the errors in what the compiler prints: a line # with the package, then file:line:col: message.
func compilerOutput(text string) []packages.Error {
	var list []packages.Error
	for _, line := range strings.Split(text, "\n")[1:] {
		pos, msg, ok := strings.Cut(line, ": ")
		if name, n, _ := splitPos(pos); ok && name != "" && n > 0 {
			list = append(list, packages.Error{Pos: pos, Msg: msg, Kind: packages.TypeError})
		}
	}
	return list
}

// errorAt is the place of a compiler's file:line:col. The span is one character, or the rest of the word that begins there.
func (t *texts) errorAt(pos string) (label diag.Label, path string) {
	name, line, col := splitPos(pos)
	if name == "" || line == 0 {
		return diag.Label{}, ""
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(t.root, name)
	}
	f := t.file(name)
	if f == nil {
		return diag.Label{}, t.logical(name, "")
	}
	start := offset(f.Content, line, col)
	end := start
	for end < len(f.Content) && isWord(f.Content[end]) {
		end++
	}
	if end == start && end < len(f.Content) && f.Content[end] != '\n' {
		end++
	}
	return diag.Label{Span: t.span(name, start, end)}, t.logical(name, "")
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// splitPos reads file:line:col, whose file may hold colons and whose col may be missing.
func splitPos(pos string) (name string, line, col int) {
	numbers := [2]int{}
	n := 0
	for n < 2 {
		i := strings.LastIndexByte(pos, ':')
		if i < 0 {
			break
		}
		v, err := strconv.Atoi(pos[i+1:])
		if err != nil {
			break
		}
		numbers[1], numbers[0] = numbers[0], v
		pos = pos[:i]
		n++
	}
	if n == 0 {
		return "", 0, 0
	}
	return pos, numbers[0], max(numbers[1], 1)
}

// compileError is a finding on code that cannot be checked.
func compileError(at diag.Label, message, path string) diag.Diagnostic {
	message, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
	message = strings.TrimSuffix(message, "; to add it:")
	return diag.Diagnostic{Severity: diag.Error, Message: message, Path: path, Primary: at, Help: "the code has to compile before all of it can be checked"}
}
