package stuck

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/templates/platform/service"
)

func TestUsage(t *testing.T) {
	const id = "saga/00000000-0000-0000-0000-000000000001"
	for args, want := range map[string]string{
		"":                          "nothing to do",
		"mend":                      `"mend" is not a word`,
		"show":                      "takes one id",
		"show outbox/1 outbox/2":    "takes one id",
		"show 17":                   "write it as list does",
		"show outbox/x":             "not the number of a row",
		"show outbox/0":             "not the number of a row",
		"show saga/7":               "invalid UUID",
		"list outbox/1":             "takes no id",
		"list --kind table":         "this service has outbox, dead-letter, saga",
		"list --colour":             "not defined: -colour",
		"list --all":                "--all goes with retry",
		"retry":                     "needs an id",
		"retry --all outbox/1":      "give ids or --all",
		"retry --kind saga " + id:   "--kind goes with",
		"retry --json outbox/1":     "--json goes with",
		"skip outbox/1":             "outbox/1 cannot skip: it can drop, retry",
		"drop " + id:                "cannot drop: it can compensate, retry, skip",
		"compensate dead-letter/17": "dead-letter/17 cannot compensate",
	} {
		var out, errs bytes.Buffer
		code, asked := Command(append([]string{"/app", "stuck"}, strings.Fields(args)...), Streams{strings.NewReader(""), &out, &errs}, everything)
		if code != service.ExitUsage || !asked || !strings.Contains(errs.String(), want) || !strings.Contains(errs.String(), "usage: stuck list") || out.Len() > 0 {
			t.Errorf("stuck %s: exit code %d, want %q:\n%s%s", args, code, want, errs.String(), out.String())
		}
	}
}

// A service has only the kinds of its parts.
func TestParts(t *testing.T) {
	var out, errs bytes.Buffer
	code, _ := Command([]string{"/app", "stuck", "show", "dead-letter/1"}, Streams{strings.NewReader(""), &out, &errs}, Parts{Outbox: true})
	if code != service.ExitUsage || !strings.Contains(errs.String(), "this service has outbox") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestOnlyWhenAsked(t *testing.T) {
	for _, args := range [][]string{{"/app"}, {"/app", "healthcheck"}, {"stuck"}, nil} {
		if code, asked := Command(args, Streams{}, everything); code != 0 || asked {
			t.Errorf("%q: %d, %v", args, code, asked)
		}
	}
	var out bytes.Buffer
	if code, asked := Command([]string{"/app", "stuck", "--help"}, Streams{Out: &out}, everything); code != 0 || !asked || out.String() != usage {
		t.Errorf("help: %d, %v, %q", code, asked, out.String())
	}
}

func TestWithoutConfiguration(t *testing.T) {
	for url, want := range map[string]string{
		"":                           "DATABASE_URL is not set",
		"nonsense://u:hunter2@":      "DATABASE_URL is not a valid Postgres URL",
		"postgres://u@127.0.0.1:1/x": "database did not answer",
	} {
		t.Setenv("DATABASE_URL", url)
		if url == "" {
			_ = os.Unsetenv("DATABASE_URL") // the test's end brings it back
		}
		t.Setenv("DATABASE_START_TIMEOUT", "10ms")
		var out, errs bytes.Buffer
		code, _ := Command([]string{"/app", "stuck", "list"}, Streams{strings.NewReader(""), &out, &errs}, everything)
		if code != service.ExitFailed || !strings.Contains(errs.String(), want) || strings.Contains(errs.String(), "hunter2") || out.Len() > 0 {
			t.Errorf("%q: exit code %d, want %q: %s", url, code, want, errs.String())
		}
	}
}
