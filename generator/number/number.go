// Package number remembers which field has which number in the contracts that msgen writes, so that a spec can be put in another order, and
// fields can come and go, without a number ever meaning something else.
package number

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Max is the highest number of a field, as the language has it (protobuf.dev/programming-guides/proto3, Assigning Field Numbers).
const Max = 1<<29 - 1

// The numbers that protobuf keeps for itself.
const firstInternal, lastInternal = 19000, 19999

// Table holds the numbers of messages and enums by full name (shop.orders.v1.Order, shop.orders.v1.Order.State). An entry stays when its
// message goes: should the message come back, its numbers still mean what they meant.
type Table map[string]*Entry

// Entry is one message or enum.
type Entry struct {
	Used    []Name // there now, by number
	Removed []Name // was there once, by number
}

// Name is a field or an enum's value.
type Name struct {
	Name   string
	Number int
	// Type is the field's proto type without blanks, with its label: repeated:string. An enum's value has none.
	Type string
}

// Proposal is a field or an enum's value that needs a number.
type Proposal struct {
	Name, Type string
	// Number is what it has when nothing is known of its message.
	Number int
	// Fixed reports that Number is the field's in every message that has it; it is kept when nothing else has ever had it.
	Fixed bool
}

// Assign numbers everything in a message or enum and remembers it. What is known by name keeps its number. What was removed gets its number
// back when it returns with the type that it had; with another type it counts as new. What is new gets the number after the highest that
// was ever used, and least at the lowest. It returns the numbers in the order of the proposals.
func (t Table) Assign(full string, least int, proposals []Proposal) []int {
	e := t[full]
	if e == nil {
		if len(proposals) == 0 {
			return nil
		}
		e = &Entry{}
		for _, p := range proposals {
			e.Used = append(e.Used, Name{p.Name, p.Number, p.Type})
		}
		e.sort()
		t[full] = e
		numbers := make([]int, len(proposals))
		for i, p := range proposals {
			numbers[i] = p.Number
		}
		return numbers
	}

	next, taken := least, map[int]bool{}
	known := map[string]int{}
	for _, n := range e.Used {
		taken[n.Number], known[n.Name] = true, n.Number
		next = max(next, n.Number+1)
	}
	for _, n := range e.Removed {
		taken[n.Number] = true
		next = max(next, n.Number+1)
	}
	numbers := make([]int, len(proposals))
	now := map[string]bool{}
	var used []Name
	for i, p := range proposals {
		number, ok := known[p.Name]
		if !ok {
			number, ok = e.back(p)
		}
		switch {
		case ok:
		case p.Fixed && !taken[p.Number]:
			number = p.Number
		default:
			if next >= firstInternal && next <= lastInternal {
				next = lastInternal + 1
			}
			number = next
		}
		next = max(next, number+1)
		numbers[i], taken[number], now[p.Name] = number, true, true
		used = append(used, Name{p.Name, number, p.Type})
	}
	for _, n := range e.Used {
		if !now[n.Name] {
			e.Removed = append(e.Removed, n)
		}
	}
	e.Used = used
	e.sort()
	return numbers
}

// back takes a name out of the removed ones, when it is there with the same type.
func (e *Entry) back(p Proposal) (int, bool) {
	i := slices.IndexFunc(e.Removed, func(n Name) bool { return n.Name == p.Name && n.Type == p.Type })
	if i < 0 {
		return 0, false
	}
	number := e.Removed[i].Number
	e.Removed = slices.Delete(e.Removed, i, i+1)
	return number, true
}

func (e *Entry) sort() {
	by := func(a, b Name) int { return cmp.Compare(a.Number, b.Number) }
	slices.SortFunc(e.Used, by)
	slices.SortFunc(e.Removed, by)
}

// Reserved are the numbers and names that a message or enum must not use again: a name that is back under another number is not among them.
func (t Table) Reserved(full string) (numbers []int, names []string) {
	e := t[full]
	if e == nil {
		return nil, nil
	}
	for _, n := range e.Removed {
		numbers = append(numbers, n.Number)
		again := func(other Name) bool { return other.Name == n.Name }
		if !slices.ContainsFunc(e.Used, again) && !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return numbers, names
}

// Rename gives a message, or all of a package, another name: its enums and what else stands below it follow, and so do the types of removed
// fields. What has numbers under the new name already keeps them.
func (t Table) Rename(from, to string) {
	for _, full := range slices.Sorted(maps.Keys(t)) {
		rest, ok := strings.CutPrefix(full, from)
		if !ok || rest != "" && rest[0] != '.' {
			continue
		}
		if t[to+rest] == nil {
			t[to+rest] = t[full]
		}
		delete(t, full)
	}
	for _, e := range t {
		for _, list := range [][]Name{e.Used, e.Removed} {
			for i := range list {
				list[i].Type = renamedType(list[i].Type, from, to)
			}
		}
	}
}

// RenameField gives a field of a message, or a value of an enum, another name; unless there is one of that name.
func (t Table) RenameField(full, from, to string) {
	e := t[full]
	if e == nil || slices.ContainsFunc(e.Used, func(n Name) bool { return n.Name == to }) {
		return
	}
	for i := range e.Used {
		if e.Used[i].Name == from {
			e.Used[i].Name = to
		}
	}
}

// renamedType is a field's type after a message or package of it has got another name.
func renamedType(text, from, to string) string {
	label, name := "", text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		label, name = text[:i+1], text[i+1:]
	}
	if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == '.') {
		return label + to + rest
	}
	return text
}

// Clone is a table that can be changed without changing this one.
func (t Table) Clone() Table {
	c := make(Table, len(t))
	for name, e := range t {
		c[name] = &Entry{Used: slices.Clone(e.Used), Removed: slices.Clone(e.Removed)}
	}
	return c
}

// MarshalText writes the table, a message or enum a line: "shop.orders.v1.Order: id=1:string total=11:int64 -note=10:string". A minus marks
// what was removed. So version control sees a conflict just where two branches have changed the same message.
func (t Table) MarshalText() ([]byte, error) {
	var out []byte
	for _, full := range slices.Sorted(maps.Keys(t)) {
		e := t[full]
		out = append(append(out, full...), ':')
		out = appendNames(out, " ", e.Used)
		out = appendNames(out, " -", e.Removed)
		out = append(out, '\n')
	}
	return out, nil
}

func appendNames(out []byte, before string, list []Name) []byte {
	for _, n := range list {
		out = append(append(append(out, before...), n.Name...), '=')
		out = strconv.AppendInt(out, int64(n.Number), 10)
		if n.Type != "" {
			out = append(append(out, ':'), n.Type...)
		}
	}
	return out
}

// UnmarshalText reads what MarshalText writes, and refuses a message, number or name that is there twice, as a bad merge leaves it.
func (t *Table) UnmarshalText(text []byte) error {
	table := Table{}
	for line := range strings.Lines(string(text)) {
		full, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || full == "" {
			return fmt.Errorf("%q names no message", strings.TrimSpace(line))
		}
		if table[full] != nil {
			return fmt.Errorf("%s is there twice", full)
		}
		e, err := parseEntry(rest)
		if err != nil {
			return fmt.Errorf("%s: %w", full, err)
		}
		table[full] = e
	}
	*t = table
	return nil
}

func parseEntry(text string) (*Entry, error) {
	e := &Entry{}
	names, numbers := map[string]bool{}, map[int]string{}
	for _, part := range strings.Fields(text) {
		rest, removed := strings.CutPrefix(part, "-")
		name, rest, ok := strings.Cut(rest, "=")
		digits, typ, _ := strings.Cut(rest, ":")
		number, err := strconv.Atoi(digits)
		if !ok || name == "" || err != nil || number < 1 || number > Max {
			return nil, fmt.Errorf("%q is no name and number", part)
		}
		if other, twice := numbers[number]; twice {
			return nil, fmt.Errorf("%s and %s have the number %d", other, name, number)
		}
		numbers[number] = name
		n := Name{name, number, typ}
		if removed {
			e.Removed = append(e.Removed, n)
			continue
		}
		if names[name] {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		names[name] = true
		e.Used = append(e.Used, n)
	}
	e.sort()
	return e, nil
}
