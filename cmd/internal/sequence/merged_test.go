package sequence_test

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator"
)

// comment is a line that is a comment in a merged file.
func comment(name, text string) string {
	switch path.Ext(name) {
	case ".md":
		return "<!-- " + text + " -->"
	case ".mod", ".go":
		return "// " + text
	}
	return "# " + text
}

// merged are the merged files that there are; without go.sum, which has no lines of a user's.
func (w *world) merged() []string {
	return slices.DeleteFunc(w.entries(generator.Merged, false, ""), func(name string) bool { return name == "go.sum" })
}

func addToMerged(w *world) string {
	files := w.merged()
	if len(files) == 0 {
		return ""
	}
	name := pick(w.r, files)
	w.insert(name, comment(name, w.mark()))
	return "add a line to " + name
}

// editReadme edits the merged file that has to be merged most often.
func editReadme(w *world) string {
	if !w.exists("README.md") {
		return ""
	}
	w.insert("README.md", comment("README.md", w.mark()))
	return "add a line to README.md"
}

func changeMerged(w *world) string {
	name := pick(w.r, []string{"README.md", "README.md", "Makefile", "Dockerfile", ".gitignore"})
	if !w.exists(name) {
		return ""
	}
	lines := strings.Split(w.read(name), "\n")
	i := w.r.IntN(len(lines))
	line, end := strings.TrimSuffix(lines[i], "\r"), lines[i][len(strings.TrimSuffix(lines[i], "\r")):]
	if strings.Contains(line, "kept ") || markers.MatchString(line) {
		return ""
	}
	line += " " + comment(name, w.mark())
	lines[i] = line + end
	w.write(name, strings.Join(lines, "\n"))
	w.remember(line, name)
	return fmt.Sprintf("change line %d of %s", i+1, name)
}

func shortenMerged(w *world) string {
	name := pick(w.r, []string{"README.md", "Makefile", "Dockerfile", ".golangci.yml"})
	if !w.exists(name) {
		return ""
	}
	lines := strings.SplitAfter(w.read(name), "\n")
	i := w.r.IntN(len(lines))
	if strings.Contains(lines[i], "kept ") || markers.MatchString(lines[i]) {
		return ""
	}
	w.write(name, strings.Join(slices.Delete(lines, i, i+1), ""))
	return fmt.Sprintf("take line %d out of %s", i+1, name)
}

func addToModule(w *world) string {
	w.marks++
	line := fmt.Sprintf("exclude example.com/kept%d v1.0.0", w.marks)
	text := w.read("go.mod")
	w.write("go.mod", text+lineEnd(text)+line+lineEnd(text))
	w.remember(line, "go.mod")
	return "add to go.mod: " + line
}
