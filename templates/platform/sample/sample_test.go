package sample

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
)

func TestFillKeepsTheRules(t *testing.T) {
	for _, m := range []proto.Message{&testpb.Rules{}, &testpb.Branch{}, &testpb.Plant{}} {
		if err := protovalidate.Validate(Fill(m)); err != nil {
			t.Errorf("%T: %v\n%v", m, err, m)
		}
		again := m.ProtoReflect().New().Interface()
		if Fill(again); !proto.Equal(again, m) {
			t.Errorf("%T is filled differently the second time: %v\n%v", m, again, m)
		}
	}
}

// A sample is there to be seen: unset fields would hide what a test is to find, and keep most rules by themselves.
func TestFillSetsEverything(t *testing.T) {
	left := map[string]bool{"none": true, "empty": true, "no_pairs": true, "update_mask": true, "right": true}
	for _, m := range []proto.Message{Fill(&testpb.Rules{}), Fill(&testpb.Plant{})} {
		r := m.ProtoReflect()
		for i := range r.Descriptor().Fields().Len() {
			fd := r.Descriptor().Fields().Get(i)
			if name := string(fd.Name()); r.Has(fd) == left[name] {
				t.Errorf("%s: %s is set: %v", r.Descriptor().Name(), name, r.Has(fd))
			}
		}
	}
}

func TestFillEndsWithMessagesThatHoldThemselves(t *testing.T) {
	b := Fill(&testpb.Branch{})
	if b.GetName() == "" || b.GetLeaf().GetColour() == "" || b.Child != nil || b.Children != nil || b.ByName != nil {
		t.Errorf("filled %v", b)
	}
	if child := Fill(&testpb.Rules{}).GetBranch(); child.GetName() == "" {
		t.Errorf("filled %v", child)
	}
}

func TestSkip(t *testing.T) {
	leaf := Fill(&testpb.Leaf{}, "colour", "fell")
	if leaf.GetColour() != "" || leaf.Fell != nil || leaf.GetVeins() == 0 {
		t.Errorf("filled %v", leaf)
	}
	if p := Fill(&testpb.Plant{}, "colour"); p.GetLeaf().GetColour() == "" {
		t.Errorf("skipped a field of the message's field: %v", p)
	}
}

func TestMatching(t *testing.T) {
	for _, c := range []struct {
		pattern     string
		least, most int
	}{
		{`^[A-Z]{3}-[0-9]+$`, 1, 5},
		{`^[A-Z]{3}-[0-9]+$`, 64, 64},
		{`^a|b$`, 1, 1},
		{`^(?:ab){2,3}c?$`, 6, 7},
		{`^(x{1,50}){1}$`, 20, 20},
		{`^[^@\s]+@[^@\s]+\.[a-z]{2,}$`, 12, 12},
		{`^\+?[1-9]\d{1,14}$`, 1, 15},
		{`^\p{Lu}.*\S$`, 8, 9},
		{`(?i)^sku$`, 3, 3},
		{`^[^a-zA-Z0-9]$`, 1, 1},
		{`^$|^[0-9]{4}$`, 1, 4},
		{`[0-9]*`, 1, 3},
		{`^[\x{4e00}-\x{9fff}]{2}$`, 2, 2},
	} {
		got := matching(c.pattern, c.least, c.most)
		if n := utf8.RuneCountInString(got); !regexp.MustCompile(c.pattern).MatchString(got) || n < c.least || n > c.most {
			t.Errorf("%s of %d to %d characters: %q", c.pattern, c.least, c.most, got)
		}
	}
}
