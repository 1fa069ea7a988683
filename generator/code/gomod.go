package code

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// manifests are go.mod and go.work of a tree: their findings (MSG152), and whether the go command can read them.
func manifests(t *texts) (list diag.List, broken bool, err error) {
	for _, m := range []struct {
		name string
		read func(m *manifest) error
	}{{"go.mod", (*manifest).mod}, {"go.work", (*manifest).work}} {
		path := filepath.Join(t.root, m.name)
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		file := &manifest{texts: t, path: path, name: m.name, content: content}
		if err := m.read(file); err != nil {
			var faults modfile.ErrorList
			if !errors.As(err, &faults) {
				return nil, false, err
			}
			for _, f := range faults {
				at := offset(content, f.Pos.Line, 1)
				end := at + len(bytes.TrimRight(line(content[at:]), " \t\r"))
				list = append(list, compileError(diag.Label{Span: t.span(path, at, end)}, f.Err.Error(), m.name))
			}
			broken = true
			continue
		}
		list = append(list, file.findings()...)
	}
	return list, broken, nil
}

// line is the first line of a text.
func line(text []byte) []byte {
	before, _, _ := bytes.Cut(text, []byte("\n"))
	return before
}

// manifest is go.mod or go.work.
type manifest struct {
	*texts
	path, name string
	content    []byte
	list       []local
}

// local is a line that leads to a folder of this machine.
type local struct {
	start, end int
	subject    string
	message    string
	help       string
}

func (m *manifest) mod() error {
	f, err := modfile.Parse(m.name, m.content, nil)
	if err == nil {
		m.replaces(f.Replace)
	}
	return err
}

func (m *manifest) work() error {
	f, err := modfile.ParseWork(m.name, m.content, nil)
	if err != nil {
		return err
	}
	for _, u := range f.Use {
		if local := filepath.FromSlash(u.Path); filepath.IsLocal(local) {
			continue
		} else if rel, err := filepath.Rel(m.root, local); filepath.IsAbs(local) && err == nil && filepath.IsLocal(rel) {
			continue
		}
		m.add(u.Syntax, "use."+u.Path, "go.work uses the folder "+u.Path+" outside the system",
			"require a released version of the module in go.mod; another service is called through its client, not its source")
	}
	m.replaces(f.Replace)
	return nil
}

func (m *manifest) replaces(list []*modfile.Replace) {
	for _, r := range list {
		if r.New.Version == "" {
			m.add(r.Syntax, "replace."+r.Old.Path, r.Old.Path+" is replaced by the folder "+r.New.Path,
				"require a released version; a build elsewhere, such as the image's, does not have the folder")
		}
	}
}

// add points at the last word of a line.
func (m *manifest) add(l *modfile.Line, subject, message, help string) {
	word := l.Token[len(l.Token)-1]
	start, end := l.Start.Byte, min(l.End.Byte, len(m.content))
	if i := bytes.LastIndex(m.content[start:end], []byte(word)); i >= 0 {
		start += i
		end = start + len(word)
	}
	m.list = append(m.list, local{start, end, subject, message, help})
}

// findings are the lines that no comment hides, and the faults of comments.
func (m *manifest) findings() diag.List {
	var list diag.List
	lines := strings.Split(string(m.content), "\n")
	ignores := m.ignores(lines)
	for _, l := range m.list {
		d := rule.Finding(rule.LocalReplace)
		d.Message, d.Help, d.Path = l.message, l.help, m.name+":"+l.subject
		d.Primary = diag.Label{Span: m.span(m.path, l.start, l.end), Text: "only on this machine"}
		hidden := false
		for _, ig := range ignores {
			if ig.fault == nil && ig.line == 1+bytes.Count(m.content[:l.start], []byte("\n")) && ig.names(rule.LocalReplace) {
				ig.used, hidden = true, true
			}
		}
		if !hidden {
			list = append(list, d)
		}
	}
	for _, ig := range ignores {
		var f finding
		switch {
		case ig.fault != nil:
			f = ig.malformed()
		case !ig.used:
			f = ig.unused()
		default:
			continue
		}
		d := rule.Finding(f.id)
		d.Message, d.Help, d.Path = f.message, f.help, m.name
		d.Primary = diag.Label{Span: m.span(m.path, ig.from, ig.to), Text: f.label}
		list = append(list, d)
	}
	return list
}

// manifestIgnore is an ignore comment with its place in bytes.
type manifestIgnore struct {
	ignore
	from, to int
}

// ignores are the ignore comments. Nothing but a comment can hold // in these files.
func (m *manifest) ignores(lines []string) []*manifestIgnore {
	var list []*manifestIgnore
	at := 0
	for i, l := range lines {
		if col := strings.Index(l, "//"); col >= 0 {
			comment := strings.TrimRight(l[col:], "\r")
			if text, ok := ignoreText(comment); ok {
				ig := &manifestIgnore{ignore{line: covered(lines, i+1, col+1)}, at + col, at + col + len(comment)}
				ig.rules, ig.fault = readIgnore(text)
				list = append(list, ig)
			}
		}
		at += len(l) + 1
	}
	return list
}
