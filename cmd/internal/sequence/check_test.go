package sequence_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/schema/edit"
)

type state struct {
	text string
	time time.Time
}

// snapshot is every file of the system but for what a run that was killed may leave.
func (w *world) snapshot() map[string]state {
	files := map[string]state{}
	w.check(filepath.WalkDir(w.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(w.dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case rel == ".msgen/stage":
			return filepath.SkipDir
		case d.IsDir(), rel == ".msgen/lock":
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		files[rel] = state{string(text), info.ModTime()}
		return err
	}))
	return files
}

// same holds that nothing has changed, contents and times.
func (w *world) same(before map[string]state, what string) {
	after := w.snapshot()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now, ok := after[name]; !ok {
			w.fatalf("%s: %s is gone", what, name)
		} else if now != before[name] {
			w.fatalf("%s: %s has changed (%s, %s)\n%s", what, name, before[name].time, now.time, edit.Diff(name, []byte(before[name].text), []byte(now.text)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			w.fatalf("%s: %s was made", what, name)
		}
	}
}

// allOrNothing holds that a run which was killed has done nothing or all, or has left a journal from which the next one does the rest.
func (w *world) allOrNothing(before map[string]state) {
	if w.exists(".msgen/journal.json") || maps.Equal(before, w.snapshot()) {
		return
	}
	if res := w.msgen("generate", "--check"); res.code != 0 {
		w.logf("  generate --check: exit %d\n%s", res.code, res.stderr)
		w.same(before, "a run that was killed, and left no journal")
	}
}

var blanks = regexp.MustCompile(`[ \t\r]+`)

// noLineLost holds that every line which the user wrote is where he wrote it, whole; or anywhere, when that file is gone.
func (w *world) noLineLost() {
	files := map[string]string{}
	for name, f := range w.snapshot() {
		if !strings.HasPrefix(name, ".msgen/") {
			files[name] = "\n" + blanks.ReplaceAllString(f.text, " ") + "\n"
		}
	}
	for _, line := range slices.Sorted(maps.Keys(w.lines)) {
		name := w.lines[line]
		text, ok := files[name]
		if !ok {
			for other, content := range files {
				if has(content, line) {
					w.lines[line], text = other, content
				}
			}
		}
		if !has(text, line) {
			w.fatalf("the line %q, written into %s, is lost\n%s", line, name, text)
		}
	}
}

func has(text, line string) bool {
	line = blanks.ReplaceAllString(line, " ")
	for rest := text; ; {
		i := strings.Index(rest, line)
		if i < 0 {
			return false
		}
		if after := rest[i+len(line):]; after[0] == '\n' || after[:2] == " \n" {
			return true
		}
		rest = rest[i+len(line):]
	}
}

// untouched holds that what the user deleted stays deleted, and that his line ends stay.
func (w *world) untouched() {
	l, err := lock.Read(w.at(lock.Name))
	w.check(err)
	for name := range w.deleted {
		if _, known := l.Entry(name); !known && !w.exists(name) {
			delete(w.deleted, name) // the spec does not ask for it any more; if it does again, it is new
		} else if w.exists(name) {
			w.fatalf("%s was deleted and is there again", name)
		}
	}
	for name := range w.crlf {
		if !w.exists(name) {
			delete(w.crlf, name)
			continue
		}
		for i, line := range strings.SplitAfter(w.read(name), "\n") {
			if strings.HasSuffix(line, "\n") && !strings.HasSuffix(line, "\r\n") {
				w.fatalf("%s was converted to CRLF, and its line %d ends otherwise: %q", name, i+1, line)
			}
		}
	}
}

// settled holds that generating again changes nothing, and that --check sees it so.
func (w *world) settled() {
	before := w.snapshot()
	if res := w.msgen("generate"); res.code != 0 {
		w.fatalf("generating again: exit %d\n%s", res.code, res.stderr)
	}
	w.same(before, "generating again")
	if res := w.msgen("generate", "--check"); res.code != 0 {
		w.fatalf("generate --check: exit %d\n%s", res.code, res.stderr)
	}
}

var (
	compileError = regexp.MustCompile(`(?m)^(?:vet: )?(?:\./)?((?:services|api|gateway|tools)/[^\s:]+\.go):\d+`)
	mainPackage  = regexp.MustCompile(`(?m)^package main$`)
	mainFunc     = regexp.MustCompile(`(?m)^func main\(\)`)
)

// failing are the folders of the packages that cannot be built, tests included, and what the compiler says. The go command may stop at the
// first few.
func (w *world) failing(dirs ...string) (map[string]bool, string) {
	args := []string{"vet"}
	for _, dir := range dirs {
		if w.exists(strings.TrimSuffix(dir, "/...")) {
			args = append(args, "./"+dir)
		}
	}
	failed := map[string]bool{}
	out, err := w.goTool(args...)
	for _, m := range compileError.FindAllStringSubmatch(out, -1) {
		failed[path.Dir(m[1])] = true
	}
	if err != nil && len(failed) == 0 {
		w.fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	// What only the linker says, which takes longer.
	for _, dir := range w.folders() {
		files, err := filepath.Glob(w.at(dir) + "/*.go")
		w.check(err)
		text := ""
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				text += strings.ReplaceAll(w.read(dir+"/"+filepath.Base(f)), "\r", "")
			}
		}
		if mainPackage.MatchString(text) && !mainFunc.MatchString(text) {
			failed[dir] = true
			out += dir + ": there is no func main\n"
		}
	}
	return failed, out
}

// all are the folders whose packages change with the spec, or are the user's.
var all = []string{"api/...", "gateway/...", "services/...", "tools/..."}

// builds holds that what msgen said of the tree is so: it builds but for what was reported, and what was said not to build does not. Then the user
// mends what he was told of, and all builds.
func (w *world) builds(rep report) {
	told := map[string]bool{}
	for _, list := range []map[string]bool{rep.will, rep.may} {
		for name := range list {
			told[path.Dir(name)] = true
		}
	}
	sound := map[string]bool{}
	for name := range rep.will {
		dir := path.Dir(name)
		if _, looked := sound[dir]; !looked {
			failed, _ := w.failing(dir)
			sound[dir] = !failed[dir]
		}
		if w.exists(name) && sound[dir] {
			w.fatalf("msgen said that %s will not build, and it does", name)
		}
	}
	for {
		failed, out := w.failing(all...)
		if len(failed) == 0 {
			return
		}
		for dir := range failed {
			if !told[dir] {
				w.fatalf("%s does not build, and msgen has not said so, or what it said is mended\n%s", dir, out)
			}
			delete(told, dir)
		}
		for _, list := range []map[string]bool{rep.will, rep.may} {
			for _, name := range slices.Sorted(maps.Keys(list)) {
				if failed[path.Dir(name)] && w.exists(name) {
					w.mend(name, rep.left[name])
				}
			}
		}
		if res := w.msgen("generate"); res.code != 0 { // the lock forgets the orphans that are gone
			w.fatalf("exit %d\n%s", res.code, res.stderr)
		}
		w.noLineLost()
		w.settled()
	}
}

// mend deletes a file that does not build and, where the spec still asks for one, has it made anew and puts the user's comments back.
func (w *world) mend(name string, orphan bool) {
	var comments []string
	for line, at := range w.lines {
		if at == name && strings.HasPrefix(line, "// ") {
			comments = append(comments, line)
		}
	}
	slices.Sort(comments)
	w.drop(name)
	if orphan || slices.Contains(w.own, name) {
		w.logf("  delete %s, which does not build", name)
		return
	}
	res := w.msgen("generate", "--restore", name)
	if res.code == 2 && strings.Contains(res.stderr, "msgen does not generate "+name) {
		// He made it while a run that was killed had still to make it, and then changed his mind about the spec.
		w.logf("  delete %s, which does not build and nothing asks for", name)
		return
	}
	if res.code != 0 || !w.exists(name) {
		w.fatalf("generate --restore %s: exit %d\n%s", name, res.code, res.stderr)
	}
	for _, line := range comments {
		w.insert(name, line)
	}
	w.logf("  have %s made anew, with %d comments", name, len(comments))
}
