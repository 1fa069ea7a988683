package number_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/number"
)

// proposals are "name:type" in their order, numbered as a new message with the spec's fields from least.
func proposals(least int, fields ...string) []number.Proposal {
	list := make([]number.Proposal, len(fields))
	for i, f := range fields {
		name, typ, _ := strings.Cut(f, ":")
		list[i] = number.Proposal{Name: name, Type: typ, Number: least + i}
	}
	return list
}

func text(t *testing.T, table number.Table) string {
	t.Helper()
	out, err := table.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// Every step changes a message; what the table then remembers is what the numbers are.
func TestAssign(t *testing.T) {
	table := number.Table{}
	for _, step := range []struct {
		what   string
		fields []string
		want   string
	}{
		{"new", []string{"a:string", "b:int32", "c:bool"}, "a=10:string b=11:int32 c=12:bool"},
		{"reordered", []string{"c:bool", "a:string", "b:int32"}, "a=10:string b=11:int32 c=12:bool"},
		{"inserted", []string{"d:bytes", "c:bool", "a:string", "b:int32"}, "a=10:string b=11:int32 c=12:bool d=13:bytes"},
		{"the last one removed", []string{"a:string", "b:int32", "c:bool"}, "a=10:string b=11:int32 c=12:bool -d=13:bytes"},
		{"its number is not given again", []string{"e:bytes", "a:string", "b:int32", "c:bool"}, "a=10:string b=11:int32 c=12:bool e=14:bytes -d=13:bytes"},
		{"back with its type", []string{"a:string", "b:int32", "c:bool", "d:bytes"}, "a=10:string b=11:int32 c=12:bool d=13:bytes -e=14:bytes"},
		{"back with another", []string{"a:string", "c:bool", "d:bytes", "e:string"}, "a=10:string c=12:bool d=13:bytes e=15:string -b=11:int32 -e=14:bytes"},
		{"another type", []string{"a:bytes", "c:bool", "d:bytes", "e:string"}, "a=10:bytes c=12:bool d=13:bytes e=15:string -b=11:int32 -e=14:bytes"},
		{"all gone", nil, "-a=10:bytes -b=11:int32 -c=12:bool -d=13:bytes -e=14:bytes -e=15:string"},
		{"all new", []string{"x:string"}, "x=16:string -a=10:bytes -b=11:int32 -c=12:bool -d=13:bytes -e=14:bytes -e=15:string"},
	} {
		numbers := table.Assign("p.M", 10, proposals(10, step.fields...))
		if got := text(t, table); got != "p.M: "+step.want {
			t.Fatalf("%s:\ngot  %s\nwant p.M: %s", step.what, got, step.want)
		}
		for i, f := range step.fields {
			name, _, _ := strings.Cut(f, ":")
			if entry := fmt.Sprintf("%s=%d:", name, numbers[i]); !strings.Contains(" "+step.want, " "+entry) {
				t.Errorf("%s: the number returned for %s is %d", step.what, name, numbers[i])
			}
		}
		var again number.Table
		if err := again.UnmarshalText([]byte(text(t, table))); err != nil {
			t.Fatal(err)
		}
		if text(t, again) != text(t, table) {
			t.Errorf("%s: read again it is %s", step.what, text(t, again))
		}
		table = again
	}
	numbers, names := table.Reserved("p.M")
	if !slices.Equal(numbers, []int{10, 11, 12, 13, 14, 15}) || !slices.Equal(names, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("reserved are %v %v", numbers, names)
	}
}

// A name that is back under another number is not reserved: protobuf would refuse it.
func TestReservedReturned(t *testing.T) {
	table := number.Table{}
	table.Assign("p.M", 1, proposals(1, "a:string", "b:string"))
	table.Assign("p.M", 1, proposals(1, "a:string"))
	table.Assign("p.M", 1, proposals(1, "a:string", "b:int32"))
	if numbers, names := table.Reserved("p.M"); !slices.Equal(numbers, []int{2}) || names != nil {
		t.Errorf("reserved are %v %v", numbers, names)
	}
}

func TestFixed(t *testing.T) {
	table := number.Table{}
	table.Assign("p.M", 10, []number.Proposal{{Name: "sku", Type: "string", Number: 1, Fixed: true}, {Name: "a", Type: "string", Number: 10}})
	got := table.Assign("p.M", 10, []number.Proposal{
		{Name: "id", Type: "string", Number: 1, Fixed: true}, // 1 was sku's
		{Name: "state", Type: "State", Number: 2, Fixed: true},
		{Name: "a", Type: "string", Number: 10},
	})
	if want := []int{11, 2, 10}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestInternalRange(t *testing.T) {
	table := number.Table{"p.M": {Used: []number.Name{{Name: "a", Number: 18999}}}}
	if got := table.Assign("p.M", 1, proposals(1, "a", "b", "c")); !slices.Equal(got, []int{18999, 20000, 20001}) {
		t.Errorf("got %v", got)
	}
}

// What a bad merge leaves is refused.
func TestDamaged(t *testing.T) {
	for _, line := range []string{
		"p.M: a=1:string b=1:string", "p.M: a=1:string a=2:string", "p.M: a=1 -b=1", "p.M: a", "p.M: a=x", "p.M: a=0", "p.M: =1", "p.M: a=536870912",
		"p.M: a=1\np.M: a=1", "<<<<<<< ours", ": a=1",
	} {
		var table number.Table
		if err := table.UnmarshalText([]byte(line)); err == nil {
			t.Errorf("%q is read as %s", line, text(t, table))
		}
	}
}

func TestClone(t *testing.T) {
	table := number.Table{}
	table.Assign("p.M", 1, proposals(1, "a", "b"))
	before := text(t, table)
	clone := table.Clone()
	clone.Assign("p.M", 1, proposals(1, "b"))
	clone.Assign("p.N", 1, proposals(1, "b"))
	if text(t, table) != before || text(t, clone) == before {
		t.Errorf("before %q, after %q, the clone %q", before, text(t, table), text(t, clone))
	}
}

// Whatever is read is written so that it reads the same.
func FuzzText(f *testing.F) {
	f.Add("p.M: a=1:string b=2:map<string,int32> -c=3\np.N:\n")
	f.Add("p.M: a=1 -a=2:repeated:string")
	f.Fuzz(func(t *testing.T, in string) {
		var table, again number.Table
		if table.UnmarshalText([]byte(in)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(text(t, table))); err != nil || text(t, again) != text(t, table) {
			t.Errorf("%q is written as %q: %v", in, text(t, table), err)
		}
	})
}
