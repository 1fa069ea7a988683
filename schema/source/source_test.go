package source_test

import (
	"testing"

	"github.com/msgen-dev/msgen/schema/source"
)

func TestLines(t *testing.T) {
	f := source.NewFile("a.yaml", []byte("\uFEFFone\r\ntwo\nthree\rfour\u2028five\u0085"))
	for n, want := range map[int]string{0: "", 1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "", 7: ""} {
		if got := f.Line(n); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
		if got := string(f.Runes(n)); got != want {
			t.Errorf("runes of line %d are %q, want %q", n, got, want)
		}
	}
	if f.Lines() != 6 {
		t.Errorf("got %d lines", f.Lines())
	}
}

func TestSpan(t *testing.T) {
	f := source.NewFile("a.yaml", nil)
	s := source.Span{File: f, Start: source.Pos{Line: 2, Col: 3}, End: source.Pos{Line: 2, Col: 5}}
	if s.String() != "a.yaml:2:3" || s.IsZero() {
		t.Errorf("got %s", s)
	}
	if zero := (source.Span{}); zero.String() != "-" || !zero.IsZero() {
		t.Errorf("got %s", zero)
	}
	if !s.Start.Before(s.End) || s.End.Before(s.Start) || !s.End.Before(source.Pos{Line: 3, Col: 1}) {
		t.Error("positions are out of order")
	}
}

func TestConceal(t *testing.T) {
	f := source.NewFile("a", []byte("ключ: тайна # why\nsecond\n"))
	f.Conceal(source.Span{File: f, Start: source.Pos{Line: 1, Col: 7}, End: source.Pos{Line: 1, Col: 12}})
	if got := f.Shown(1); got != "ключ: ***** # why" {
		t.Errorf("shown is %q", got)
	}
	if f.Shown(2) != "second" || f.Line(1) != "ключ: тайна # why" {
		t.Error("more is concealed than was asked for")
	}
}
