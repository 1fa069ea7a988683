package sequence_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
)

// deed is something that a user does to the files. do returns what it did, and "" when there is nothing that it could be done to.
type deed struct {
	name string
	do   func(w *world) string
}

var deeds = []deed{
	{"comment in a file of one's own", commentInGo}, {"add a function", addFunction}, {"add a file", addFile}, {"use what is generated", useGenerated},
	{"add a line to a merged file", addToMerged}, {"change a line of a merged file", changeMerged}, {"take a line out of a merged file", shortenMerged},
	{"add to go.mod", addToModule}, {"convert a file to CRLF", convert}, {"write a last line without an end", addLast},
	{"delete a file of one's own", deleteYours}, {"delete a merged file", deleteMerged}, {"delete a generated file", deleteGenerated},
	{"edit a generated file", editGenerated}, {"delete an orphan", deleteOrphan}, {"resolve a conflict", resolveConflict}, {"edit what is half written", editPending},
}

// mark is a text that stands nowhere else.
func (w *world) mark() string {
	w.marks++
	return fmt.Sprintf("kept %d.", w.marks)
}

// remember notes a line that the user wrote: it must not get lost.
func (w *world) remember(line, path string) { w.lines[strings.TrimSpace(line)] = path }

// forgetLines drops what the user wrote into a file: he has thrown it away himself.
func (w *world) forgetLines(path string) {
	for line, at := range w.lines {
		if at == path {
			delete(w.lines, line)
		}
	}
}

// entries are the files of the lock that are there and of a class.
func (w *world) entries(class generator.Class, orphan bool, suffix string) []string {
	l, err := lock.Read(w.at(lock.Name))
	w.check(err)
	var list []string
	for _, e := range l.Files {
		if e.Class == string(class) && e.Orphan == orphan && strings.HasSuffix(e.Path, suffix) && w.exists(e.Path) {
			list = append(list, e.Path)
		}
	}
	return list
}

func (w *world) at(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w *world) exists(name string) bool {
	_, err := os.Stat(w.at(name))
	return err == nil
}

func (w *world) read(name string) string {
	text, err := os.ReadFile(w.at(name))
	w.check(err)
	return string(text)
}

func (w *world) write(name, text string) {
	w.check(os.MkdirAll(filepath.Dir(w.at(name)), 0o755))
	w.check(os.WriteFile(w.at(name), []byte(text), 0o644))
}

// insert puts a line somewhere between those of a file, with their line ends.
func (w *world) insert(name, line string) {
	lines := strings.SplitAfter(w.read(name), "\n")
	w.write(name, strings.Join(slices.Insert(lines, w.r.IntN(len(lines)), line+lineEnd(lines[0])), ""))
	w.remember(line, name)
}

func lineEnd(text string) string {
	if before, _, _ := strings.Cut(text, "\n"); strings.HasSuffix(before, "\r") {
		return "\r\n"
	}
	return "\n"
}

func (w *world) goFiles() []string {
	return append(w.entries(generator.Yours, false, ".go"), w.ownGo()...)
}

// ownGo are the Go files that the user made himself.
func (w *world) ownGo() []string {
	var list []string
	for _, name := range w.own {
		if strings.HasSuffix(name, ".go") && w.exists(name) {
			list = append(list, name)
		}
	}
	return list
}

func commentInGo(w *world) string {
	files := w.goFiles()
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	w.insert(name, "// "+w.mark())
	return "comment in " + name
}

func addFunction(w *world) string {
	files := w.goFiles()
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	w.marks++
	line := fmt.Sprintf("func kept%d() int { return %d }", w.marks, w.marks)
	text := w.read(name)
	end := lineEnd(text)
	w.write(name, text+end+end+line+end)
	w.remember(line, name)
	return "add a function to " + name
}

// folders are those of the services that there are or were.
func (w *world) folders() []string {
	entries, err := os.ReadDir(w.at("services"))
	w.check(err)
	var list []string
	for _, e := range entries {
		list = append(list, "services/"+e.Name())
	}
	return list
}

func addFile(w *world) string {
	mark := w.mark()
	dir := pick(w.r, append(w.folders(), "docs", "tools", "deploy/k8s/overlays/dev"))
	name := fmt.Sprintf("%s/own_%d.md", dir, w.marks)
	text := mark
	if dir == "tools" || w.exists(dir+"/main.go") && w.r.IntN(2) == 0 {
		name = fmt.Sprintf("%s/own_%d.go", dir, w.marks)
		text = "package main\n\n// " + mark
		if dir == "tools" {
			text += "\nfunc main() {}"
			name = fmt.Sprintf("tools/own%d/main.go", w.marks)
		}
	}
	w.write(name, text+"\n")
	w.remember(mark, name)
	w.own = append(w.own, name)
	return "add " + name
}

var apiImport = regexp.MustCompile(`\t(\w+v1) ("[^"]*/api/[^"]*")`)

// useGenerated adds a file that uses a message, a field or the store of a service: when the spec takes that away the file cannot be built.
func useGenerated(w *world) string {
	v := pick(w.r, w.spec.Services)
	dir := "services/" + v.Name
	var found []string
	for _, name := range w.entries(generator.Yours, false, ".go") {
		if path.Dir(name) == dir {
			if m := apiImport.FindStringSubmatch(w.read(name)); len(m) == 3 && strings.Contains(m[2], "/"+strings.ReplaceAll(v.Name, "-", "")) {
				found = m
				break
			}
		}
	}
	if found == nil || len(v.Aggregates) == 0 || !strings.Contains(found[2], `"`+w.generated.Module+"/") {
		return ""
	}
	a := pick(w.r, v.Aggregates)
	f := pick(w.r, a.Fields)
	w.marks++
	getter := "Get" + camel(f.Name)
	name := fmt.Sprintf("%s/uses_%d.go", dir, w.marks)
	body := pick(w.r, []string{
		fmt.Sprintf("func uses%d(x *%s.%s) any { return x.%s() }", w.marks, found[1], a.Name, getter),
		fmt.Sprintf("func uses%d() any { return &%s.%s{%s: (&%s.%s{}).%s()} }", w.marks, found[1], a.Name, camel(f.Name), found[1], a.Name, getter),
		fmt.Sprintf("var uses%d = %s.New%sServiceClient", w.marks, found[1], camel(strings.ReplaceAll(v.Name, "-", "_"))),
		fmt.Sprintf("var uses%d %s.Create%sRequest", w.marks, found[1], a.Name),
	})
	if !w.declared(path.Dir(unquote(found[2])[len(w.generated.Module)+1:]+"/x"), body, found[1]) {
		return ""
	}
	w.write(name, fmt.Sprintf("package main\n\nimport %s %s\n\n%s\n", found[1], found[2], body))
	w.remember(body, name)
	w.own = append(w.own, name)
	return "add " + name + ": " + body
}

// declared reports that what a line uses of a package is in it now.
func (w *world) declared(dir, line, pkg string) bool {
	text := ""
	files, err := filepath.Glob(w.at(dir) + "/*.go")
	w.check(err)
	for _, f := range files {
		content, err := os.ReadFile(f)
		w.check(err)
		text += string(content)
	}
	for _, use := range regexp.MustCompile(`\b`+pkg+`\.(\w+)|\.(Get\w+)\(`).FindAllStringSubmatch(line, -1) {
		word := use[1] + use[2]
		if !regexp.MustCompile(`(type|func|\)) ` + word + `\b`).MatchString(text) {
			return false
		}
	}
	return true
}

func unquote(s string) string { return strings.Trim(s, `"`) }

func camel(snake string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(snake, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

func convert(w *world) string {
	files := w.merged()
	if w.r.IntN(2) == 0 {
		files = w.goFiles()
	}
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	text := []byte(w.read(name))
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	w.write(name, string(text))
	if name != "go.mod" {
		w.crlf[name] = true
	}
	return "convert " + name + " to CRLF"
}

// addLast puts a line at the end of a file, and no line end behind it.
func addLast(w *world) string {
	files := append(w.merged(), w.goFiles()...)
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	text, line := w.read(name), comment(name, w.mark())
	if text != "" && !strings.HasSuffix(text, "\n") {
		line = lineEnd(text) + line
	}
	w.write(name, text+line)
	w.remember(line, name)
	return "add a last line without an end to " + name
}

// editPending edits a merged file that a run which was killed has still to write, or makes one of his own that it has.
func editPending(w *world) string {
	stage := w.at(".msgen/stage")
	if !w.exists(".msgen/journal.json") {
		return ""
	}
	var found []string
	w.check(filepath.WalkDir(stage, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(stage, name)
		rel = filepath.ToSlash(rel)
		if slices.Contains(w.merged(), rel) || strings.HasPrefix(rel, "services/") && strings.HasSuffix(rel, ".go") && !strings.Contains(rel, "/internal/") && !w.exists(rel) {
			found = append(found, rel)
		}
		return err
	}))
	if len(found) == 0 {
		return ""
	}
	name := pick(w.r, found)
	if w.exists(name) {
		w.insert(name, comment(name, w.mark()))
		return "add a line to " + name + ", which is still to be written"
	}
	staged, err := os.ReadFile(filepath.Join(stage, filepath.FromSlash(name)))
	w.check(err)
	if strings.HasPrefix(string(staged), "// Code generated") {
		return ""
	}
	w.write(name, string(staged))
	w.insert(name, "// "+w.mark())
	return "make " + name + ", which is still to be written"
}
