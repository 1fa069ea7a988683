package sequence_test

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator"
)

// drop deletes a file and what the user wrote into it.
func (w *world) drop(name string) {
	w.check(os.Remove(w.at(name)))
	w.forgetLines(name)
	delete(w.crlf, name)
}

// deleteYours deletes a file that the system builds without: it must stay deleted.
func deleteYours(w *world) string {
	files := slices.DeleteFunc(w.entries(generator.Yours, false, ""), func(name string) bool {
		return !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, "kustomization.yaml")
	})
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	w.drop(name)
	w.deleted[name] = true
	return "delete " + name
}

func deleteMerged(w *world) string {
	files := slices.DeleteFunc(w.merged(), func(name string) bool { return name == "go.mod" })
	if len(files) < 3 {
		return ""
	}
	name := pick(w.r, files)
	w.drop(name)
	w.deleted[name] = true
	return "delete " + name
}

// deleteGenerated deletes a file that the next run makes again.
func deleteGenerated(w *world) string {
	name := pick(w.r, w.entries(generator.Generated, false, ""))
	w.check(os.Remove(w.at(name)))
	return "delete " + name
}

// editGenerated edits a file that is not the user's to edit: msgen must refuse, change nothing, and take the edit back when asked.
func editGenerated(w *world) string {
	if w.spec.text() != w.generated.text() || w.exists(".msgen/journal.json") {
		return ""
	}
	name := pick(w.r, w.entries(generator.Generated, false, ""))
	was := w.read(name)
	w.write(name, was+"\n// "+w.mark()+"\n")
	before := w.snapshot()
	if res := w.msgen("generate"); res.code != 1 || !strings.Contains(res.stderr, "\n  "+name+"\n") {
		w.fatalf("%s was edited: exit %d\n%s", name, res.code, res.stderr)
	}
	w.same(before, "refusing to write over "+name)
	w.write(name, was)
	return "edit " + name + ", and take it back"
}

func deleteOrphan(w *world) string {
	files := w.entries(generator.Yours, true, "")
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	w.drop(name)
	return "delete the orphan " + name
}

var (
	markers  = regexp.MustCompile(`^(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)( |\r?\n?$)`)
	conflict = regexp.MustCompile(`(?m)^<{7} yours\r?\n((?:.*\n)*?)\|{7} last generated\r?\n(?:.*\n)*?={7}\r?\n((?:.*\n)*?)>{7} new(\r?\n|$)`)
)

// resolveConflict takes one side of each conflict of a file, and from yours at least the lines that the user wrote.
func resolveConflict(w *world) string {
	files := slices.DeleteFunc(w.merged(), func(name string) bool { return !conflict.MatchString(w.read(name)) })
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	text := conflict.ReplaceAllStringFunc(w.read(name), func(block string) string {
		sides := conflict.FindStringSubmatch(block)
		side := sides[1+w.r.IntN(2)]
		var kept strings.Builder // what he wrote, be it into the other side
		for line := range strings.SplitAfterSeq(block, "\n") {
			if strings.Contains(line, "kept ") && !strings.Contains(side+kept.String(), line) {
				kept.WriteString(line)
			}
		}
		return kept.String() + side
	})
	w.write(name, text)
	return "resolve the conflicts of " + name
}
