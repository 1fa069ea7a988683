// Package sequence_test is a user of years: it edits its files, changes the spec, generates, is interrupted, in any order, and holds msgen to what
// it promises after each step. No line that the user wrote is lost, the tree builds unless msgen has said what does not, and generating again
// changes nothing.
package sequence_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
)

var (
	seed      = flag.Uint64("seed", 1, "the seed of the first sequence; a failure names its own")
	sequences = flag.Int("sequences", few, "how many sequences")
	steps     = flag.Int("steps", 12, "how many steps each has")
	every     = flag.Int("every", 4, "every how many steps a tree is built of which msgen has nothing to say")
	keep      = flag.String("keep", "", "the folder into which a tree that fails is copied")
)

func TestMain(m *testing.M) {
	if os.Getenv(beMsgen) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// world is one sequence: a system, and what its user remembers of it.
type world struct {
	t         *testing.T
	r         *rand.Rand
	dir       string
	log       []string
	spec      *system
	generated *system           // what the tree is in line with
	steps     int               // done
	last      int               // how many there are
	lines     map[string]string // the user's, by text: the file
	marks     int
	own       []string        // files that the user made
	deleted   map[string]bool // files that the user deleted
	crlf      map[string]bool // files that the user converted
	done      map[string]int  // how often what was done
}

func (w *world) logf(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) check(err error) {
	if err != nil {
		w.t.Helper()
		w.fatalf("%v", err)
	}
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	if *keep != "" {
		if err := os.CopyFS(*keep, os.DirFS(w.dir)); err != nil {
			w.t.Error(err)
		}
	}
	spec, err := os.ReadFile(w.at("msgen.yaml"))
	if err != nil {
		w.t.Error(err)
	}
	// What is wrong comes last: a log that is cut keeps its end.
	w.t.Fatalf("msgen.yaml is\n%s\nThe steps were:\n%s\n\n%s", spec, strings.Join(w.log, "\n"), fmt.Sprintf(format, args...))
}

// TestSequences runs random sequences. More and longer ones: -sequences, -steps, -seed.
func TestSequences(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds many systems")
	}
	done := map[string]int{}
	dir := t.TempDir() // the same for all: the go command keeps what it builds by its place
	for i := range *sequences {
		id := *seed + uint64(i)
		var w *world
		ok := t.Run(fmt.Sprintf("seed=%d", id), func(t *testing.T) {
			w = &world{
				t: t, last: *steps, r: rand.New(rand.NewPCG(id, 1)), dir: filepath.Join(dir, "desk"), spec: first(), done: done,
				lines: map[string]string{}, deleted: map[string]bool{}, crlf: map[string]bool{},
			}
			// A development build renders every time, a release only what may have changed.
			cli.Version = []string{"v1.0.0", "dev"}[id%2]
			w.run(i == 0)
		})
		if !ok {
			// What has been done so far does not depend on how many steps were to come, and building does not change a tree that is sound.
			t.Fatalf("to see it again: go test ./cmd/internal/sequence -seed=%d -sequences=1 -steps=%d -every=1", id, w.steps)
		}
		if err := os.RemoveAll(filepath.Join(dir, "desk")); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("done: %v", done)
}

func (w *world) run(link bool) {
	w.write("msgen.yaml", w.spec.text())
	if res := w.msgen("generate"); res.code != 0 {
		w.fatalf("exit %d\n%s", res.code, res.stderr)
	}
	w.generated = w.spec.clone()
	w.builds(report{})
	for w.steps < w.last {
		w.steps++
		w.logf("step %d", w.steps)
		w.step()
	}
	// All of it now. To link takes longer than all else and finds little that vet does not, so that is done once.
	last := [][]string{{"vet", "./..."}}
	if link {
		last = append(last, []string{"build", "./..."})
	}
	for _, args := range last {
		if out, err := w.goTool(args...); err != nil {
			w.fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
}

// goTool runs the go command in the system's folder. Paths are trimmed, so that a run of the same sequences finds in the cache what another has built,
// wherever that was.
func (w *world) goTool(args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), "go", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-trimpath")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// step edits files and the spec, and generates; or has a command do the latter two.
func (w *world) step() {
	for range w.r.IntN(4) {
		w.editFiles(deeds)
	}
	if w.r.IntN(2) == 0 {
		w.editFiles([]deed{{"edit what changes with most specs", editReadme}})
	}
	var c *command
	if w.r.IntN(4) == 0 {
		c = w.adds()
	}
	if c == nil {
		c = &command{args: []string{"generate"}}
		for range 1 + w.r.IntN(2) {
			w.changeSpec()
		}
	}
	for range w.r.IntN(3) {
		w.editFiles(deeds)
	}
	w.generate(c)
}

func (w *world) editFiles(from []deed) {
	e := pick(w.r, from)
	if what := e.do(w); what != "" {
		w.done[e.name]++
		w.logf("  %s", what)
	}
}

// changeSpec changes the spec in a way that can be generated.
func (w *world) changeSpec() {
	for range 20 {
		c := pick(w.r, changes)
		next := w.spec.clone()
		what := c.do(w.r, next)
		if what == "" || next.text() == w.spec.text() || faults(next.text()) != "" {
			continue
		}
		w.spec = next
		w.forgetLines("msgen.yaml")
		w.write("msgen.yaml", next.text())
		w.done[c.name]++
		w.logf("  %s", what)
		return
	}
}

// generate brings the tree in line, in one of many ways, and holds it to the promises.
func (w *world) generate(c *command) {
	var before report
	var meanwhile []string // what he made while a run was unfinished
	killed := false
	args, text, spec := c.args, w.read("msgen.yaml"), w.spec
	switch kind := w.r.IntN(10); {
	case kind < 4:
		was := w.snapshot()
		what, res := w.kill(args)
		w.logf("  %s: exit %d\n    %s", what, res.code, strings.ReplaceAll(strings.TrimSpace(res.stderr), "\n", "\n    "))
		before, killed = parse(res.stderr), true
		w.done["kill"]++
		w.allOrNothing(was)
		w.noLineLost()
		owned := len(w.own)
		w.editFiles([]deed{{"edit what is half written", editPending}})
		for range w.r.IntN(3) {
			w.editFiles(deeds)
		}
		if w.exists(".msgen/journal.json") {
			meanwhile = w.own[owned:]
		}
		if w.r.IntN(3) == 0 {
			w.changeSpec()
		}
	case kind < 5:
		before, killed = w.full(args), true
	case kind < 6:
		cmd, stderr := w.start(args)
		res := w.msgen("generate")
		other := ended(cmd, stderr)
		w.logf("  generate twice at once: exit %d and %d", res.code, other.code)
		w.done["two at once"]++
		before, killed = parse(res.stderr+other.stderr), true
		for _, res := range []result{res, other} {
			if res.code > 1 && !strings.Contains(res.stderr, "another msgen is at work") {
				w.fatalf("two at once: exit %d\n%s", res.code, res.stderr)
			}
		}
	}
	if killed {
		args = []string{"generate"}
	}
	prune := args[0] == "generate" && w.r.IntN(8) == 0
	if prune {
		args = append(args, "--prune")
	}
	res := w.msgen(args...)
	if w.makesWay(res) {
		res = w.msgen(args...)
	}
	w.logf("  %s: exit %d\n    %s", strings.Join(args, " "), res.code, strings.ReplaceAll(strings.TrimSpace(res.stderr), "\n", "\n    "))
	rep := parse(res.stderr)
	if res.code != 0 && (res.code != 1 || !rep.conflict) {
		w.fatalf("%s: exit %d\n%s", args[0], res.code, res.stderr)
	}
	if rep.conflict {
		w.done["conflict"]++
	}
	for _, name := range rep.pruned {
		if !prune || w.exists(name) {
			w.fatalf("%s was not to be deleted, or is there", name)
		}
		w.forgetLines(name)
		for _, at := range w.lines {
			if killed && path.Base(at) == path.Base(name) && !w.exists(at) { // it went to the renamed folder only when the killed run was finished
				w.forgetLines(at)
			}
		}
	}
	if killed {
		// What the first run said holds too, wherever its files have gone since; and it may have been killed before it said what becomes of orphans.
		for _, list := range []map[string]bool{before.may, before.will, before.left, rep.left} {
			for name := range list {
				rep.may[cmp.Or(rep.moved[name], name)] = true
			}
		}
		// What he wrote by names that the unfinished run was about to take away, nobody could have told him of.
		for _, name := range meanwhile {
			rep.may[cmp.Or(rep.moved[name], name)] = true
		}
		for name := range before.left {
			rep.left[cmp.Or(rep.moved[name], name)] = true
		}
	}
	if c.next != nil && w.spec == spec && (!killed || w.read("msgen.yaml") != text) { // what was killed may not have begun
		w.added(c)
	}
	w.generated = w.spec.clone()
	w.noLineLost()
	w.untouched()
	w.settled()
	// Most of the time goes into building, so trees are built of which msgen says that something breaks, and a sample of the others. What was not
	// said, and is missed, still does not build at the next.
	if len(rep.will)+len(rep.may) > 0 || w.steps%*every == 0 || w.steps == w.last {
		w.builds(rep)
	}
}

var inTheWay = regexp.MustCompile(`(?m)^  \S+ to (\S+)$`)

// makesWay deletes what stands where something renamed is to go, such as what is left of a service of that name, when msgen has refused for it. It reports
// whether it has.
func (w *world) makesWay(res result) bool {
	if res.code != 1 || !strings.Contains(res.stderr, "files cannot be moved to where they now belong, nothing was written:") {
		return false
	}
	w.done["make way for what was renamed"]++
	for _, m := range inTheWay.FindAllStringSubmatch(res.stderr, -1) {
		if w.exists(m[1]) {
			w.drop(m[1])
			w.logf("  delete %s, which is in the way", m[1])
		}
	}
	return true
}

// full generates with a disk that takes no large file: either that is enough, or nothing changes.
func (w *world) full(args []string) report {
	before := w.snapshot()
	size := 200 << w.r.IntN(9)
	cmd, stderr := w.start(args, fmt.Sprintf("%s=%d", fileLimit, size))
	res := ended(cmd, stderr)
	w.logf("  %s with files of %d bytes at most: exit %d", args[0], size, res.code)
	w.done["full disk"]++
	switch {
	case res.code == 3:
		w.same(before, "a full disk")
	case res.code > 1:
		w.fatalf("a full disk: exit %d\n%s", res.code, res.stderr)
	}
	return parse(res.stderr)
}
