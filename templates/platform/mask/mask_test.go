package mask_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/mask"
)

func resource() *testpb.Plant {
	return &testpb.Plant{
		Id: "1", Name: "old", Rings: 3, Evergreen: true, Leaf: &testpb.Leaf{Colour: "green", Veins: 5},
		Names: []string{"a", "b"}, LeafOf: map[string]*testpb.Leaf{"x": {}},
	}
}

func TestApply(t *testing.T) {
	for name, c := range map[string]struct {
		change *testpb.Plant
		paths  []string
		want   func(p *testpb.Plant)
	}{
		"no mask: what is set": {
			&testpb.Plant{Name: "new", Names: []string{"c"}}, nil,
			func(p *testpb.Plant) { p.Name, p.Names = "new", []string{"c"} },
		},
		"no mask and nothing set": {&testpb.Plant{}, nil, func(*testpb.Plant) {}},
		"no mask and no change":   {nil, nil, func(*testpb.Plant) {}},
		"named fields only": {
			&testpb.Plant{Name: "new", Rings: 4, Height: "1"}, []string{"rings", "height"},
			func(p *testpb.Plant) { p.Rings, p.Height = 4, "1" },
		},
		"a named field that is unset is cleared": {
			&testpb.Plant{Name: "new"}, []string{"leaf", "evergreen", "names", "leaf_of"},
			func(p *testpb.Plant) { p.Leaf, p.Evergreen, p.Names, p.LeafOf = nil, false, nil, nil },
		},
		"a message is replaced, not merged": {
			&testpb.Plant{Leaf: &testpb.Leaf{Veins: 6}}, []string{"leaf"},
			func(p *testpb.Plant) { p.Leaf = &testpb.Leaf{Veins: 6} },
		},
		"a path twice": {
			&testpb.Plant{Name: "new"}, []string{"name", "name"},
			func(p *testpb.Plant) { p.Name = "new" },
		},
		"everything": {
			&testpb.Plant{Id: "2", Name: "new"}, []string{"*"},
			func(p *testpb.Plant) { proto.Reset(p); p.Id, p.Name = "1", "new" },
		},
		"immutable without a mask": {
			&testpb.Plant{Id: "2", Name: "new"}, nil,
			func(p *testpb.Plant) { p.Name = "new" },
		},
		"immutable by name": {
			&testpb.Plant{Id: "2", Name: "new"}, []string{"id", "name"},
			func(p *testpb.Plant) { p.Name = "new" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := resource(), resource()
			c.want(want)
			var paths *fieldmaskpb.FieldMask
			if c.paths != nil {
				paths = &fieldmaskpb.FieldMask{Paths: c.paths}
			}
			if err := mask.Apply(got, c.change, paths, "id"); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, path := range []string{"colour", "leaf.colour", "leafOf", "", " name", "Name", "name.", ".", "*"} {
		got := resource()
		err := mask.Apply(got, &testpb.Plant{Name: "new"}, &fieldmaskpb.FieldMask{Paths: []string{"name", path}})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("path %q: got %v, want InvalidArgument", path, err)
		}
		if !proto.Equal(got, resource()) {
			t.Errorf("path %q: refused, and yet changed to %v", path, got)
		}
	}
}
