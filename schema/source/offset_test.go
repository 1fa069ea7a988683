package source_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/msgen-dev/msgen/schema/source"
)

func TestOffset(t *testing.T) {
	const text = "\uFEFFab\r\n\tж😀z\u2028\nend"
	f := source.NewFile("f", []byte(text))
	for _, test := range []struct {
		line, col int
		before    string // what stands before the place
	}{
		{1, 1, "\uFEFF"}, {1, 3, "\uFEFFab"}, {2, 1, "\uFEFFab\r\n"}, {2, 2, "\uFEFFab\r\n\t"}, {2, 4, "\uFEFFab\r\n\tж😀"},
		{2, 5, "\uFEFFab\r\n\tж😀z"}, {3, 1, "\uFEFFab\r\n\tж😀z\u2028"}, {4, 1, "\uFEFFab\r\n\tж😀z\u2028\n"}, {4, 4, text},
	} {
		pos := source.Pos{Line: test.line, Col: test.col}
		if got, ok := f.Offset(pos); !ok || got != len(test.before) {
			t.Errorf("Offset(%v) is %d %t, want %d", pos, got, ok, len(test.before))
		}
		if got := f.PosAt(len(test.before)); got != pos {
			t.Errorf("PosAt(%d) is %v, want %v", len(test.before), got, pos)
		}
	}
	for _, pos := range []source.Pos{{}, {Line: 0, Col: 1}, {Line: 1, Col: 0}, {Line: 1, Col: 4}, {Line: 5, Col: 1}, {Line: 4, Col: 5}} {
		if got, ok := f.Offset(pos); ok {
			t.Errorf("Offset(%v) is %d, want none", pos, got)
		}
	}
	for offset, want := range map[int]source.Pos{
		-1: {Line: 1, Col: 1}, 0: {Line: 1, Col: 1}, strings.Index(text, "\n"): {Line: 1, Col: 3}, strings.Index(text, "😀") + 2: {Line: 2, Col: 3}, 999: {Line: 4, Col: 4},
	} {
		if got := f.PosAt(offset); got != want {
			t.Errorf("PosAt(%d) is %v, want %v", offset, got, want)
		}
	}
}

// Every rune of any text has a place that leads back to it.
func FuzzOffset(f *testing.F) {
	for _, seed := range []string{"", "\uFEFF", "a\r\nb\rc", "ж\u0085\u2029😀\xff\xfe\n", "\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := source.NewFile("f", []byte(text))
		for n := 1; n <= file.Lines(); n++ {
			line, col := file.Line(n), 1
			for at := 0; ; col++ {
				pos := source.Pos{Line: n, Col: col}
				offset, ok := file.Offset(pos)
				if !ok || !strings.HasPrefix(text[offset:], line[at:]) {
					t.Fatalf("Offset(%v) is %d %t in %q", pos, offset, ok, text)
				}
				if back := file.PosAt(offset); back != pos {
					t.Fatalf("PosAt(%d) is %v, want %v in %q", offset, back, pos, text)
				}
				if at == len(line) {
					break
				}
				_, size := utf8.DecodeRuneInString(line[at:])
				at += size
			}
		}
	})
}
