//go:build unix

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/tui/tuitest"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/edit"
)

// msgen is the command, in a folder. It is this test's own program: testscript makes it the command when it is called so.
func msgen(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Args[0], cmd.Dir = "msgen", dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	return cmd
}

// run runs a command that has to succeed.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// notebook is a new system from the example minimal.
func notebook(t *testing.T) string {
	t.Helper()
	parent := t.TempDir()
	run(t, msgen(t, parent, "new", "notebook"))
	return filepath.Join(parent, "notebook")
}

// tree is what a folder holds: contents and times, by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = info.ModTime().String() + "\n" + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// builds fails when the system in dir does not build or is out of date.
func builds(t *testing.T, dir string) {
	t.Helper()
	vet := exec.CommandContext(t.Context(), "go", "vet", "./...")
	vet.Dir = dir
	vet.Env = append(os.Environ(), "GOFLAGS="+trimpath)
	run(t, vet)
	run(t, msgen(t, dir, "generate", "--check"))
}

// interview types what a person does, and holds the screens on the way to those of golden files.
type interview struct {
	*tuitest.Terminal
	t    *testing.T
	name string // of the golden files; "" for none
}

// see waits for a text and for all else that the screen of a golden file has: the preview comes when it is ready.
func (iv interview) see(name, text string) {
	iv.t.Helper()
	iv.WaitFor(text)
	path := filepath.Join("testdata", "interview", iv.name+"-"+name+".golden")
	want, _ := os.ReadFile(path) // Golden says what is wrong with it
	for range 200 {
		if !*diagtest.Update && iv.Screen() == string(want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	diagtest.Golden(iv.t, path, iv.Screen())
}

// answer waits for a question and answers it.
func (iv interview) answer(question string, keys ...string) {
	iv.t.Helper()
	iv.WaitFor(question)
	iv.Type(keys...)
	iv.Type(tuitest.Enter)
}

// A service is added in a terminal, from the first question to a system that builds; flags that say the same give the same bytes.
func TestAddServiceInterview(t *testing.T) {
	byFlags := notebook(t)
	run(t, msgen(t, byFlags, "add-service", "shipping", "--responsibility", "Ships notes.", "--owner", "team-ship", "--receives", "NoteCreated",
		"--aggregate", "Shipment", "--created-by", "NoteCreated", "--calls", "notes.GetNote", "--timeout", "500ms", "--fallback", "cached", "--min-replicas", "3"))
	want, err := os.ReadFile(filepath.Join(byFlags, specName))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []struct{ width, height int }{{80, 24}, {120, 40}} {
		name := fmt.Sprintf("add-service-%dx%d", size.width, size.height)
		t.Run(name, func(t *testing.T) {
			dir := notebook(t)
			term := tuitest.Start(t, msgen(t, dir, "add-service"), size.width, size.height)
			before := term.Modes()
			iv := interview{term, t, name}
			iv.answer("What is the service called?", "notes")
			iv.see("taken", "there is already one")
			iv.Type(tuitest.CtrlU)
			iv.answer("What is the service called?", "shipping")
			iv.answer("What is it for?", "Ships notes.")
			iv.answer("Which team owns it?", "team-ship")
			iv.answer("Which events does it handle?", tuitest.Space)
			iv.answer("What does it store?", "shipment")
			iv.WaitFor("Shipment")
			iv.Type(tuitest.CtrlU)
			iv.answer("What does it store?", "Shipment")
			iv.answer("Which of the events create one?", tuitest.Space)
			iv.see("fields", "- title: string")
			iv.answer("Which fields does it have?")
			iv.answer("Which states does it go through?")
			iv.answer("Which methods does it have?")
			iv.answer("Who may call them?")
			iv.answer("Which methods of other services does it call?", tuitest.Down, tuitest.Space)
			iv.answer("How long may a call take?", tuitest.CtrlU, "500ms")
			iv.answer("At which share of failures")
			iv.answer("How long does it stay open")
			iv.answer("What happens while it is open?", tuitest.Down)
			iv.answer("How many replicas does it have at least?", "3")
			iv.answer("And at most?")
			iv.answer("At which processor use does it scale out?")
			iv.answer("Does it hold personal data?")
			iv.see("last", "Write msgen.yaml and generate?")
			iv.Type(tuitest.Enter)
			if err := term.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, term.Screen())
			}
			if after := term.Modes(); !reflect.DeepEqual(before, after) || term.AltScreen() {
				t.Error("the terminal is not as it was")
			}
			if !strings.Contains(term.Output(), "yours to write: services/shipping/service.go") {
				t.Errorf("it does not say what is left to do:\n%s", term.Screen())
			}
			got, err := os.ReadFile(filepath.Join(dir, specName))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the interview and the flags give different specs\n--- flags\n%s--- interview\n%s", want, got)
			}
			if size.width == 80 {
				builds(t, dir)
			}
		})
	}
}

// Who leaves before the end leaves everything as it was.
func TestAddServiceCancelled(t *testing.T) {
	dir := notebook(t)
	before := tree(t, dir)
	for name, leave := range map[string]func(interview){
		"ctrl+c": func(iv interview) { iv.Type(tuitest.CtrlC) },
		"no": func(iv interview) {
			for _, question := range []string{"Which events does it handle?", "What does it store?", "Does it have a database?", "Which methods does it have?", "Which methods of other services does it call?",
				"How many replicas does it have at least?", "And at most?", "At which processor use does it scale out?", "Does it hold personal data?"} {
				iv.answer(question)
			}
			iv.WaitFor("Write msgen.yaml and generate?")
			iv.Type("n", tuitest.Enter)
		},
	} {
		t.Run(name, func(t *testing.T) {
			term := tuitest.Start(t, msgen(t, dir, "add-service", "shipping", "--responsibility", "Ships notes.", "--owner", "team-ship"), 80, 24)
			iv := interview{term, t, ""}
			iv.WaitFor("Which events does it handle?")
			leave(iv)
			err := term.Wait()
			if exit := (&exec.ExitError{}); !errors.As(err, &exit) || exit.ExitCode() != exitFindings {
				t.Errorf("it ends with %v", err)
			}
			if !strings.Contains(term.Output(), "nothing was written") {
				t.Errorf("it does not say that nothing was written:\n%s", term.Screen())
			}
			if after := tree(t, dir); !reflect.DeepEqual(before, after) {
				t.Error("the folder is not as it was")
			}
		})
	}
}

// A system is made in a terminal: from an example, or with a service that the person describes.
func TestNewInterview(t *testing.T) {
	t.Run("described", func(t *testing.T) {
		parent := t.TempDir()
		term := tuitest.Start(t, msgen(t, parent, "new"), 120, 40)
		iv := interview{term, t, "new-120x40"}
		iv.answer("What is the system called?", "9lives")
		iv.WaitFor("no name for a system")
		iv.Type(tuitest.CtrlU)
		iv.answer("What is the system called?", "stars")
		iv.see("example", "two services and one event")
		iv.answer("What does it start from?", tuitest.Down, tuitest.Down)
		iv.answer("What is its Go module path?", tuitest.CtrlU, "example.org/stars")
		iv.answer("What is the service called?", "ratings")
		iv.answer("What is it for?", "Keeps ratings.")
		iv.answer("Which team owns it?", "team-a")
		iv.answer("What does it store?", "Rating")
		iv.answer("Which fields does it have?", "stars: int32", tuitest.Enter)
		iv.answer("Which states does it go through?")
		iv.answer("Which methods does it have?")
		iv.answer("Who may call them?", tuitest.Down)
		iv.answer("And which new events?")
		iv.answer("Does it hold personal data?")
		iv.answer("Who issues the tokens of clients?")
		iv.answer("For whom are they?")
		iv.answer("Where are the issuer's keys?")
		iv.see("last", "Create the system?")
		iv.Type(tuitest.Enter)
		if err := term.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, term.Screen())
		}
		if !strings.Contains(term.Output(), "stars is in stars. Next:") {
			t.Errorf("it does not say what is next:\n%s", term.Screen())
		}
		builds(t, filepath.Join(parent, "stars"))
	})
	t.Run("name and example given", func(t *testing.T) {
		parent := t.TempDir()
		term := tuitest.Start(t, msgen(t, parent, "new", "jotter", "--example", "minimal"), 80, 24)
		if err := term.Wait(); err != nil { // it would wait for an answer
			t.Fatalf("%v\n%s", err, term.Screen())
		}
		builds(t, filepath.Join(parent, "jotter"))
	})
	t.Run("cancelled", func(t *testing.T) {
		parent := t.TempDir()
		term := tuitest.Start(t, msgen(t, parent, "new", "jotter"), 80, 24)
		iv := interview{term, t, ""}
		iv.WaitFor("What does it start from?")
		iv.Type(tuitest.Esc)
		iv.WaitFor("esc again leaves")
		iv.Type(tuitest.Esc)
		if err := term.Wait(); err == nil {
			t.Error("it ended as if all was well")
		}
		if files := tree(t, parent); len(files) > 0 {
			t.Errorf("%d files are left behind", len(files))
		}
	})
}

// The other commands' interviews do what their flags do. They go on from one another in one system.
func TestAddInterviews(t *testing.T) {
	dir := notebook(t)
	for _, test := range []struct {
		args, flags []string
		answers     [][]string // a question, and the keys that answer it
	}{
		{[]string{"add-event"}, []string{"NoteArchived", "--field", "note_id: uuid", "--field", "reason: string", "--key", "note_id", "--sent-by", "notes.CreateNote", "--received-by", "audit"}, [][]string{
			{"What has happened?", "NoteArchived"},
			{"What does it tell?", "note_id: uuid", tuitest.Enter, "reason: string", tuitest.Enter},
			{"Which field keeps its messages in order?"},
			{"Which methods send it?", tuitest.Space},
			{"Which services handle it?", tuitest.Down, tuitest.Space},
			{"Is it for others outside this system?"},
		}},
		{[]string{"add-method", "notes"}, []string{"DeleteNote", "--access", "token", "--scope", "notes.admin"}, [][]string{
			{"What is it called?", "DeleteNote"},
			{"What does it do?"},
			{"Of what?"},
			{"Who may call it?", tuitest.Down},
			{"What is its route?"},
			{"Which scopes does a token need?", tuitest.Backspace, tuitest.CtrlU, "notes.admin", tuitest.Enter},
			{"Which events does it send?"},
		}},
		{[]string{"add-call", "audit"}, []string{"notes.GetNote", "--timeout", "250ms", "--error-threshold", "20%", "--fallback", "cached"}, [][]string{
			{"Which method does it call?", tuitest.Down},
			{"How long may a call take?", tuitest.CtrlU, "250ms"},
			{"At which share of failures", tuitest.CtrlU, "20%"},
			{"How long does it stay open"},
			{"What happens while it is open?", tuitest.Down},
		}},
		{[]string{"add-saga", "--orchestrator", "notes"}, []string{"keep-note", "--started-by", "notes.CreateNote", "--step", "notes.DeleteNote pivot", "--timeout", "1m"}, [][]string{
			{"What is the saga called?", "keep-note"},
			{"Which of its methods start it?", tuitest.Space},
			{"Which steps does it take?", "notes.DeleteNote pivot", tuitest.Enter},
			{"Which method is called once all is undone?"},
			{"How long may the whole take?", tuitest.CtrlU, "1m"},
		}},
	} {
		diff := msgen(t, dir, append(append(append([]string{}, test.args...), test.flags...), "--diff")...)
		want, err := diff.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", test.args, test.flags, err)
		}
		before, err := os.ReadFile(filepath.Join(dir, specName))
		if err != nil {
			t.Fatal(err)
		}
		term := tuitest.Start(t, msgen(t, dir, test.args...), 100, 30)
		iv := interview{term, t, ""}
		for _, a := range test.answers {
			iv.answer(a[0], a[1:]...)
		}
		iv.answer("Write msgen.yaml and generate?")
		if err := term.Wait(); err != nil {
			t.Fatalf("%s: %v\n%s", test.args, err, term.Screen())
		}
		after, err := os.ReadFile(filepath.Join(dir, specName))
		if err != nil {
			t.Fatal(err)
		}
		if got := edit.Diff(specName, before, after); !strings.Contains(string(want), got) || got == "" {
			t.Errorf("%s: the interview and the flags make different specs\n--- interview\n%s--- flags\n%s", test.args, got, want)
		}
	}
	builds(t, dir)
}
