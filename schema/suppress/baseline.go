package suppress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// version is that of the baseline's format.
const version = 1

// Baseline is a set of findings that are let pass.
type Baseline struct {
	// Entries are sorted by file, rule and path, each once.
	Entries []Entry

	dir   string            // the folder that its files are relative to
	names map[string]string // of files, as they are relative to it
}

// Entry lets some findings of a rule pass.
type Entry struct {
	File  string `json:"file"`  // relative to the folder of the baseline
	Rule  string `json:"rule"`  // MSG105
	Path  string `json:"path"`  // services.orders
	Count int    `json:"count"` // how many findings it hides, at least 1

	span source.Span
}

// key is what findings are counted by.
type key struct{ file, rule, path string }

func (e *Entry) key() key { return key{e.File, e.Rule, e.Path} }

// NewBaseline lets findings pass from now on, but for those that cannot be hidden: findings without a rule's id, and those on suppressions.
// name is the path of the file that it will be written to: the names of its files are relative to that file's folder.
func NewBaseline(name string, findings diag.List) *Baseline {
	b := &Baseline{dir: filepath.Dir(name), names: map[string]string{}}
	counts := map[key]int{}
	for i := range findings {
		if hideable(&findings[i]) {
			counts[b.keyOf(&findings[i])]++
		}
	}
	for k, n := range counts {
		b.Entries = append(b.Entries, Entry{File: k.file, Rule: k.rule, Path: k.path, Count: n})
	}
	b.sort()
	return b
}

func (b *Baseline) sort() {
	sort.Slice(b.Entries, func(i, j int) bool {
		x, y := b.Entries[i].key(), b.Entries[j].key()
		if x.file != y.file {
			return x.file < y.file
		}
		if x.rule != y.rule {
			return x.rule < y.rule
		}
		return x.path < y.path
	})
}

// Marshal is the baseline's file: JSON with an entry a line, the same for the same findings.
func (b *Baseline) Marshal() []byte {
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"entries\": [", version)
	for i := range b.Entries {
		if i > 0 {
			out.WriteByte(',')
		}
		e := &b.Entries[i]
		_, _ = fmt.Fprintf(&out, "\n    {\"file\": %s, \"rule\": %s, \"path\": %s, \"count\": %d}", quote(e.File), quote(e.Rule), quote(e.Path), e.Count)
	}
	if len(b.Entries) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	return out.Bytes()
}

// quote is a JSON string that keeps <, > and & readable.
func quote(s string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string in memory cannot fail
	return strings.TrimSuffix(out.String(), "\n")
}

// keyOf is what a finding counts as.
func (b *Baseline) keyOf(d *diag.Diagnostic) key {
	k := key{rule: d.ID, path: d.Path}
	if !d.Primary.Span.IsZero() {
		name := d.Primary.Span.File.Name
		if _, ok := b.names[name]; !ok {
			b.names[name] = b.relative(name)
		}
		k.file = b.names[name]
	}
	return k
}

// relative is a file's name as the baseline has it. Only names are compared: links are not followed.
func (b *Baseline) relative(name string) string {
	if strings.HasPrefix(name, "<") {
		return name // <stdin>
	}
	from, err := filepath.Abs(b.dir)
	if err != nil {
		return name
	}
	to, err := filepath.Abs(filepath.FromSlash(name))
	if err != nil {
		return name
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return filepath.ToSlash(to) // on another drive
	}
	return filepath.ToSlash(rel)
}

// counts is how many findings each entry hides.
func (b *Baseline) counts() map[key]int {
	left := make(map[key]int, len(b.Entries))
	for i := range b.Entries {
		left[b.Entries[i].key()] = b.Entries[i].Count
	}
	return left
}

// reportStale adds the entries that allow more than there is.
func (s *state) reportStale(files []*source.File) {
	b := s.opts.Baseline
	checked := map[string]*source.File{}
	for _, f := range files {
		checked[b.relative(f.Name)] = f
	}
	for i := range b.Entries {
		e := &b.Entries[i]
		file, ok := checked[e.File]
		left := s.left[e.key()]
		if !ok || left == 0 {
			continue
		}
		r, known := s.vocabulary.rule(e.Rule)
		if known = known && r.ID == e.Rule; known && !s.looked(file, e.Rule) {
			continue
		}
		d := rule.Finding(rule.StaleBaseline)
		d.Path, d.Primary.Span = e.Path, e.span
		d.Help = "write the baseline anew with --write-baseline, so that the finding cannot come back unseen"
		found := e.Count - left
		switch {
		case !known:
			d.Message = fmt.Sprintf("the baseline names the rule %q, which there is not", e.Rule)
			d.Help = "remove the entry, or write the baseline anew with --write-baseline"
		case found == 0:
			d.Message = fmt.Sprintf("%s %s finds nothing at %s any more", r.ID, r.Name, where(e.Path))
			d.Primary.Text = "no longer needed"
		default:
			d.Message = fmt.Sprintf("%s %s finds less at %s than the baseline allows: %d instead of %d", r.ID, r.Name, where(e.Path), found, e.Count)
			d.Primary.Text = fmt.Sprintf("%d would do", found)
		}
		s.result.Findings = append(s.result.Findings, d)
	}
}

func where(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}
