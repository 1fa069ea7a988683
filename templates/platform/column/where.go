package column

import (
	"reflect"
	"strconv"
	"strings"
)

// Where collects the conditions of a query. Column names are the caller's constants; values only ever travel as arguments.
type Where struct {
	conditions []string
	args       []any
}

// Equal adds column = value, unless value is nil or its type's zero value: an unset filter filters nothing.
// A pointer is followed, so that false and 0 can be asked for.
func (w *Where) Equal(column string, value any) {
	v := reflect.ValueOf(value)
	if !v.IsValid() || v.IsZero() {
		return
	}
	w.conditions = append(w.conditions, column+" = "+w.Arg(reflect.Indirect(v).Interface()))
}

// After adds column > value: keyset pagination. An empty value is the first page.
func (w *Where) After(column, value string) {
	if value != "" {
		w.conditions = append(w.conditions, column+" > "+w.Arg(value))
	}
}

// Arg adds an argument and returns its placeholder.
func (w *Where) Arg(value any) string {
	w.args = append(w.args, value)
	return "$" + strconv.Itoa(len(w.args))
}

// SQL is the WHERE clause, "" when there is no condition.
func (w *Where) SQL() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// Args are the arguments in the order of their placeholders.
func (w *Where) Args() []any { return w.args }
