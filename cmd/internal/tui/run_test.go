//go:build unix

package tui

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/tui/tuitest"
)

// interview is the variable that makes this test binary a program that runs an interview: the one that it names.
const interview = "MSGEN_TEST_INTERVIEW"

func TestMain(m *testing.M) {
	if name := os.Getenv(interview); name != "" {
		os.Exit(program(name))
	}
	os.Exit(m.Run())
}

func program(name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
	defer stop()
	iv := shop()
	switch name {
	case "panic in a check":
		plain := iv.Questions[0].Check
		iv.Questions[0].Check = func(a Answers, values []string) error {
			if slices.Equal(values, []string{"boom"}) {
				panic("a check gone wrong")
			}
			return plain(a, values)
		}
	case "panic in the preview":
		plain := iv.Preview
		iv.Preview = func(a Answers) Preview {
			if a.One("name") == "boom" {
				panic("a preview gone wrong")
			}
			return plain(a)
		}
	}
	fmt.Println("before the interview")
	answers, err := Run(ctx, os.Stdin, os.Stdout, Options{Color: name == "colour"}, iv)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	out, err := json.Marshal(answers)
	if err != nil {
		panic(err)
	}
	fmt.Println("after it:", string(out))
	return 0
}

func begin(t *testing.T, name string, width, height int) (*tuitest.Terminal, *exec.Cmd) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), interview+"="+name, "CI=")
	return tuitest.Start(t, cmd, width, height), cmd
}

// restored fails when the terminal is not as it was.
func restored(t *testing.T, term *tuitest.Terminal, before any) {
	t.Helper()
	if after := term.Modes(); !reflect.DeepEqual(before, after) {
		t.Errorf("the modes of the terminal are not restored: before %+v, after %+v", before, after)
	}
	if term.AltScreen() {
		t.Error("the alternate screen is shown still")
	}
	out := term.Output()
	for on, off := range map[string]string{"\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l", "\x1b[?1049h": "\x1b[?1049l"} {
		if !strings.Contains(out, on) || strings.LastIndex(out, on) > strings.LastIndex(out, off) {
			t.Errorf("%q is not undone with %q", on, off)
		}
	}
}

func TestTerminal(t *testing.T) {
	term, _ := begin(t, "plain", 120, 40)
	before := term.Modes()
	term.WaitFor("What is the service called?")
	if !term.AltScreen() || strings.Contains(term.Screen(), "before the interview") {
		t.Errorf("it is not drawn on a screen of its own:\n%s", term.Screen())
	}
	term.Type("ship", "ping")
	term.WaitFor("+    name: shipping") // the preview beside it
	term.Type(tuitest.Enter)
	term.WaitFor("2 of 6")
	long := strings.TrimSpace(strings.Repeat("ships 世界 ", 12))
	term.Paste(long)
	term.WaitFor("ships 世界▏")
	term.Resize(60, 20)
	term.WaitGone("msgen.yaml")
	term.Type(tuitest.Enter)
	term.WaitFor("Where does it keep its data?")
	term.Type(tuitest.Enter)
	term.WaitFor("> shipping▏")
	term.Type(tuitest.Esc)
	term.WaitFor("Where does it keep its data?")
	term.Type(tuitest.Down, tuitest.Up, tuitest.Enter)
	term.WaitFor("What does it own?")
	term.Type(tuitest.CtrlU, "Parcel", tuitest.Enter)
	term.WaitFor("Which fields does it have?")
	term.Type("address string", tuitest.Enter, "kg int", tuitest.Enter, tuitest.Backspace, "32", tuitest.Enter)
	term.WaitFor("- kg int32")
	term.Type(tuitest.Enter)
	term.WaitFor("Which events does it receive?")
	term.Type(tuitest.Down, tuitest.Space, tuitest.Enter)
	term.WaitFor("Can the gateway be asked for it?")
	term.Type("y", tuitest.CtrlP)
	term.WaitFor("+    receives: OrderPlaced")
	term.Type(tuitest.CtrlP)
	term.WaitFor("> yes")
	term.Type(tuitest.Enter)
	term.WaitFor("Write msgen.yaml and generate?")
	term.Type(tuitest.Enter)
	if err := term.Wait(); err != nil {
		t.Errorf("%v\n%s", err, term.Screen())
	}
	restored(t, term, before)

	out := term.Output()
	head, rest, _ := strings.Cut(out, "\x1b")
	if head != "before the interview\r\n" {
		t.Errorf("before it stands %q", head)
	}
	if strings.Contains(rest, "\x1b[6n") || strings.Contains(rest, "]11;") {
		t.Error("the terminal was asked something: where it does not answer, the program would stand still")
	}
	_, result, _ := strings.Cut(out[strings.LastIndex(out, "\x1b"):], "after it: ")
	var answers Answers
	if err := json.Unmarshal([]byte(result), &answers); err != nil {
		t.Fatalf("%v in %q", err, result)
	}
	want := Answers{"owner": {"core"}, "name": {"shipping"}, "responsibility": {long}, "database": {"postgres"}, "aggregate": {"Parcel"},
		"field": {"address string", "kg int32"}, "receives": {"OrderPlaced"}, "public": {"true"}}
	if !reflect.DeepEqual(answers, want) {
		t.Errorf("answers %v\nwant %v", answers, want)
	}
}

// However it ends, the terminal is as it was and the error says why.
func TestTerminalIsRestored(t *testing.T) {
	for _, test := range []struct {
		name, interview string
		end             func(*tuitest.Terminal, *os.Process) error
		want            string
	}{
		{"ctrl+c", "plain", func(term *tuitest.Terminal, _ *os.Process) error { term.Type(tuitest.CtrlC); return nil },
			"error: cancelled: nothing was written"},
		{"esc twice", "plain", func(term *tuitest.Terminal, _ *os.Process) error {
			term.Type(tuitest.Esc)
			term.WaitFor("esc again leaves")
			term.Type(tuitest.Esc)
			return nil
		}, "error: cancelled: nothing was written"},
		{"SIGTERM", "plain", func(_ *tuitest.Terminal, p *os.Process) error { return p.Signal(syscall.SIGTERM) },
			"error: cancelled: nothing was written"},
		{"SIGINT", "plain", func(_ *tuitest.Terminal, p *os.Process) error { return p.Signal(syscall.SIGINT) },
			"error: cancelled: nothing was written"},
		{"the context ends", "plain", func(_ *tuitest.Terminal, p *os.Process) error { return p.Signal(syscall.SIGUSR1) },
			"error: context canceled"},
		{"a check panics", "panic in a check", func(term *tuitest.Terminal, _ *os.Process) error { term.Type("boom", tuitest.Enter); return nil },
			"a check gone wrong"},
		{"the preview panics", "panic in the preview", func(term *tuitest.Terminal, _ *os.Process) error { term.Type("boom"); return nil },
			"a preview gone wrong"},
		{"in colour", "colour", func(term *tuitest.Terminal, _ *os.Process) error {
			if !strings.Contains(term.Output(), "\x1b[1mWhat is the service called?") {
				return fmt.Errorf("the title is not bold: %q", term.Output())
			}
			term.Type(tuitest.CtrlC)
			return nil
		}, "error: cancelled: nothing was written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			term, cmd := begin(t, test.interview, 80, 24)
			before := term.Modes()
			term.WaitFor("What is the service called?")
			if err := test.end(term, cmd.Process); err != nil {
				t.Fatal(err)
			}
			if err := term.Wait(); err == nil {
				t.Error("it ended as if all was well")
			}
			restored(t, term, before)
			if !strings.Contains(term.Output(), test.want) {
				t.Errorf("%q is not in what it says:\n%s", test.want, term.Screen())
			}
		})
	}
}

// A terminal that does not know its size, as in some containers, is taken for the usual one.
func TestTerminalWithoutSize(t *testing.T) {
	term, _ := begin(t, "plain", 80, 24)
	term.WaitFor("What is the service called?")
	term.Resize(0, 0)
	term.Type("ship")
	term.Resize(80, 24)
	term.WaitFor("> ship▏")
}
