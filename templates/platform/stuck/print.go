package stuck

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/service"
)

func printItems(w io.Writer, items []Item, asJSON bool) error {
	if asJSON {
		return printJSON(w, items)
	}
	if len(items) == 0 {
		service.Printf(w, "nothing is stuck\n")
		return nil
	}
	return printTable(w, "ID\tWHAT\tKEY\tSINCE\tATTEMPTS\tASKED\tREASON", len(items), func(i int) []any {
		it := items[i]
		reason := it.Reason
		if it.Kind == kindDeadLetter && it.State != "" {
			reason = it.State + ": " + reason // quarantined, and for what
		}
		return []any{it.ID, it.What, it.Key, stamp(it.Since), it.Attempts, it.Asked, short(reason)}
	})
}

func printLog(w io.Writer, entries []logged, asJSON bool) error {
	if asJSON {
		return printJSON(w, entries)
	}
	return printTable(w, "AT\tWHO\tACTION\tID\tWHAT\tKEY\tREASON", len(entries), func(i int) []any {
		e := entries[i]
		return []any{stamp(e.At), e.Who, e.Action, e.Item, e.What, e.Key, short(e.Reason)}
	})
}

func printItem(w io.Writer, it Item, asJSON bool) error {
	if asJSON {
		return printJSON(w, it)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range []struct {
		name  string
		value any
	}{
		{"id", it.ID}, {"what", it.What}, {"key", it.Key}, {"state", it.State}, {"step", it.Step}, {"topic", it.Topic},
		{"since", stamp(it.Since)}, {"attempts", it.Attempts}, {"waiting behind", it.Waiting}, {"asked", it.Asked}, {"message", it.Message},
		{"source", it.Source}, {"handler", it.Handler}, {"payload bytes", it.PayloadBytes}, {"can", strings.Join(actionsOf(it.Kind), ", ")},
	} {
		if f.value != "" && f.value != 0 {
			service.Printf(t, "%s\t%v\n", f.name, printable(fmt.Sprint(f.value)))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines("\n" + it.Reason) { // may be a stack
		service.Printf(w, "%s\n", printable(strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", "    ")))
	}
	if len(it.Log) == 0 {
		return nil
	}
	service.Printf(w, "\n")
	return printTable(w, "AT\tSTEP\tOP\tATTEMPT\tEVENT\tNOTE", len(it.Log), func(i int) []any {
		l := it.Log[i]
		return []any{stamp(l.At), l.Step, l.Op, l.Attempt, l.Event, short(l.Note)}
	})
}

func printTable(w io.Writer, head string, n int, row func(i int) []any) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	service.Printf(t, "%s\n", head)
	for i := range n {
		var cells []string
		for _, v := range row(i) {
			cells = append(cells, printable(fmt.Sprint(v)))
		}
		service.Printf(t, "%s\n", strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// widest is how much of a reason a table shows, in characters.
const widest = 100

// short is the first line of a reason; show tells it whole.
func short(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > widest {
		return string(r[:widest-1]) + "…"
	}
	return s
}

// printable keeps what came from outside from breaking the table or steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, s)
}
