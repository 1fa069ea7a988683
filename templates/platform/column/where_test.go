package column_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/column"
	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
)

func TestWhere(t *testing.T) {
	var nothing *bool
	for name, c := range map[string]struct {
		build func(w *column.Where)
		sql   string
		args  []any
	}{
		"none": {func(*column.Where) {}, "", nil},
		"unset filters": {func(w *column.Where) {
			w.Equal("a", "")
			w.Equal("b", int32(0))
			w.Equal("c", false)
			w.Equal("d", nothing)
			w.Equal("e", nil)
			w.After("f", "")
		}, "", nil},
		"all": {func(w *column.Where) {
			w.Equal("a", "x")
			w.Equal("b", "")
			w.Equal("c", int64(7))
			w.After("id", "k")
		}, " WHERE a = $1 AND c = $2 AND id > $3", []any{"x", int64(7), "k"}},
		"zero by pointer": {func(w *column.Where) {
			w.Equal("a", proto.Bool(false))
			w.Equal("b", proto.String(""))
		}, " WHERE a = $1 AND b = $2", []any{false, ""}},
		"another argument": {func(w *column.Where) {
			w.Equal("a", "x")
			if place := w.Arg(10); place != "$2" {
				t.Errorf("the second argument is %s", place)
			}
		}, " WHERE a = $1", []any{"x", 10}},
	} {
		t.Run(name, func(t *testing.T) {
			var w column.Where
			c.build(&w)
			if w.SQL() != c.sql || !slices.Equal(w.Args(), c.args) {
				t.Errorf("got %q %v, want %q %v", w.SQL(), w.Args(), c.sql, c.args)
			}
		})
	}
}

// Whatever a client filters by reaches the database as a value.
func TestWhereKeepsValuesOutOfTheStatement(t *testing.T) {
	pool := plants(t)
	names := []string{`'; DROP TABLE plants; --`, `x' OR '1'='1`, `\`, `$1`, `%`, "a\nb"}
	for _, name := range names {
		if err := insert(t, pool, &testpb.Plant{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		var w column.Where
		w.Equal("name", name)
		w.Equal("evergreen", proto.Bool(false))
		rows, err := pool.Query(t.Context(), "SELECT name FROM plants"+w.SQL()+" LIMIT "+w.Arg(10), w.Args()...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || !slices.Equal(got, []string{name}) {
			t.Errorf("%q finds %q, %v", name, got, err)
		}
	}
	var w column.Where
	w.Equal("kind", column.Enum(testpb.Plant_Kind(7)))
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM plants"+w.SQL(), w.Args()...).Scan(&n); err != nil || n != 0 {
		t.Errorf("a kind that there is not finds %d plants, %v", n, err)
	}
}
