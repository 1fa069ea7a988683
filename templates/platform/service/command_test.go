package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	c := Command{Name: "count", Usage: "usage: count N...\n", Parse: func(args []string) (func(context.Context) error, error) {
		flags := flag.NewFlagSet("count", flag.ContinueOnError)
		fail := flags.String("fail", "", "")
		others, err := ParseFlags(flags, args)
		return func(context.Context) error {
			switch *fail {
			case "aloud":
				return errors.New("no numbers left")
			case "told":
				return fmt.Errorf("2 of 3: %w", ErrTold)
			}
			if want := []string{"1", "2"}; !slices.Equal(others, want) {
				t.Errorf("arguments %q, want %q", others, want)
			}
			return nil
		}, err
	}}
	for _, test := range []struct {
		args      string
		code      int
		asked     bool
		out, errs string
	}{
		{"svc", 0, false, "", ""},
		{"svc -count", 0, false, "", ""},
		{"svc count 1 --fail= 2", ExitDone, true, "", ""},
		{"svc count 1 2 --fail aloud", ExitFailed, true, "", "count: no numbers left\n"},
		{"svc count --fail told 1", ExitFailed, true, "", ""},
		{"svc count 1 --what", ExitUsage, true, "", "count: flag provided but not defined: -what\n\nusage: count N...\n"},
		{"svc count --help 1", ExitDone, true, "usage: count N...\n", ""},
		{"svc count help", ExitDone, true, "usage: count N...\n", ""},
		{"svc count 1 -h", ExitDone, true, "usage: count N...\n", ""},
	} {
		var out, errs strings.Builder
		code, asked := c.Answer(strings.Fields(test.args), &out, &errs)
		if code != test.code || asked != test.asked || out.String() != test.out || errs.String() != test.errs {
			t.Errorf("%s: %d %t %q %q", test.args, code, asked, out.String(), errs.String())
		}
	}
}
