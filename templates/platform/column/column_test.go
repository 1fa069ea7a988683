package column_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/msgen-dev/msgen/templates/platform/column"
	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// createPlants has the column types that a generated migration has for such fields.
const createPlants = `CREATE TABLE plants (
	id uuid, name text NOT NULL DEFAULT '', height numeric,
	kind text NOT NULL DEFAULT '' CHECK (kind IN ('', 'tree', 'kind_of_grass')),
	price_currency text NOT NULL DEFAULT '', price_units bigint NOT NULL DEFAULT 0, price_nanos integer NOT NULL DEFAULT 0,
	planted timestamptz, water_every bigint, cells numeric(20, 0) NOT NULL DEFAULT 0, photo bytea NOT NULL DEFAULT '',
	leaf jsonb, leaves jsonb NOT NULL DEFAULT '[]', leaf_of jsonb NOT NULL DEFAULT '{}', leaf_if jsonb NOT NULL DEFAULT '{}',
	names jsonb NOT NULL DEFAULT '[]', kinds jsonb NOT NULL DEFAULT '[]', widths jsonb NOT NULL DEFAULT '[]',
	counts jsonb NOT NULL DEFAULT '{}', names_if jsonb NOT NULL DEFAULT '{}', seen jsonb NOT NULL DEFAULT '[]',
	photos jsonb NOT NULL DEFAULT '[]', evergreen boolean NOT NULL DEFAULT false, rings integer NOT NULL DEFAULT 0,
	seeds bigint NOT NULL DEFAULT 0, weight real NOT NULL DEFAULT 0)`

func plants(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), createPlants); err != nil {
		t.Fatal(err)
	}
	return pool
}

func insert(t *testing.T, pool *pgxpool.Pool, p *testpb.Plant) error {
	t.Helper()
	args := []any{
		column.Text(p.GetId()), p.GetName(), column.Text(p.GetHeight()), column.Enum(p.GetKind()),
		p.GetPrice().GetCurrencyCode(), p.GetPrice().GetUnits(), p.GetPrice().GetNanos(),
		column.Time(p.GetPlanted()), column.Duration(p.GetWaterEvery()), column.Uint64(p.GetCells()), column.Bytes(p.GetPhoto()),
		column.Message(p.GetLeaf()), column.List(p.GetLeaves()), column.Map(p.GetLeafOf()), column.Map(p.GetLeafIf()),
		column.Values(p.GetNames()), column.Values(p.GetKinds()), column.Values(p.GetWidths()),
		column.Values(p.GetCounts()), column.Values(p.GetNamesIf()), column.List(p.GetSeen()),
		column.Values(p.GetPhotos()), p.GetEvergreen(), p.GetRings(), p.GetSeeds(), p.GetWeight(),
	}
	places := make([]string, len(args))
	var where column.Where
	for i, arg := range args {
		places[i] = where.Arg(arg)
	}
	_, err := pool.Exec(t.Context(), "INSERT INTO plants VALUES ("+strings.Join(places, ", ")+")", args...)
	return err
}

func read(t *testing.T, pool *pgxpool.Pool) (*testpb.Plant, error) {
	t.Helper()
	p := &testpb.Plant{}
	var price column.Money
	err := pool.QueryRow(t.Context(), "SELECT * FROM plants").Scan(
		column.ScanText(&p.Id), &p.Name, column.ScanText(&p.Height), column.ScanEnum(&p.Kind),
		&price.Currency, &price.Units, &price.Nanos,
		column.ScanTime(&p.Planted), column.ScanDuration(&p.WaterEvery), column.ScanUint64(&p.Cells), &p.Photo,
		column.ScanMessage(&p.Leaf), column.ScanList(&p.Leaves), column.ScanMap(&p.LeafOf), column.ScanMap(&p.LeafIf),
		column.ScanValues(&p.Names), column.ScanValues(&p.Kinds), column.ScanValues(&p.Widths),
		column.ScanValues(&p.Counts), column.ScanValues(&p.NamesIf), column.ScanList(&p.Seen),
		column.ScanValues(&p.Photos), &p.Evergreen, &p.Rings, &p.Seeds, &p.Weight,
	)
	p.Price = price.Proto()
	return p, err
}

func TestRoundTrip(t *testing.T) {
	pool := plants(t)
	leaf := &testpb.Leaf{Colour: `"green" \ 'olive'`, Veins: math.MinInt64, Fell: timestamppb.New(time.Unix(1, 999_999_999))}
	for name, want := range map[string]*testpb.Plant{
		"unset": {},
		"set": {
			Id: "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b", Name: "O'Hara; -- яблоня", Height: "-12.500000000000000000", Kind: testpb.Plant_KIND_KIND_OF_GRASS,
			Price:   &money.Money{CurrencyCode: "EUR", Units: -42, Nanos: -990_000_000},
			Planted: timestamppb.New(time.Date(2026, 2, 28, 23, 59, 59, 123_456_000, time.UTC)), WaterEvery: durationpb.New(-90 * time.Minute),
			Cells: math.MaxUint64, Photo: []byte{0, 1, 255},
			Leaf: leaf, Leaves: []*testpb.Leaf{leaf, {}}, LeafOf: map[string]*testpb.Leaf{"": {}, "a.b": leaf}, LeafIf: map[bool]*testpb.Leaf{false: leaf},
			Names: []string{"", `a"b`}, Kinds: []testpb.Plant_Kind{testpb.Plant_KIND_TREE, 0}, Widths: []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, -0.1},
			Counts: map[int64]uint64{math.MinInt64: math.MaxUint64, 0: 0}, NamesIf: map[bool]string{true: "yes", false: "no"},
			Seen: []*timestamppb.Timestamp{timestamppb.New(time.Unix(0, 1))}, Photos: [][]byte{{0, 255}, {}},
			Evergreen: true, Rings: math.MinInt32, Seeds: math.MaxUint32, Weight: math.MaxFloat32,
		},
		"empty but there": {
			Planted: &timestamppb.Timestamp{}, WaterEvery: &durationpb.Duration{}, Leaf: &testpb.Leaf{},
		},
		"large decimal":  {Height: "123456789012345678901234567890.123456789012345678", Cells: 10_000_000_000_000_000_000},
		"small decimal":  {Height: "0"},
		"before 1970":    {Planted: timestamppb.New(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))},
		"no currency":    {Price: &money.Money{Units: 5}},
		"an empty leaf":  {Leaves: []*testpb.Leaf{{}}, LeafOf: map[string]*testpb.Leaf{"x": {}}},
		"keys of a bool": {LeafIf: map[bool]*testpb.Leaf{true: {Colour: "red"}, false: {}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pool.Exec(t.Context(), "TRUNCATE plants"); err != nil {
				t.Fatal(err)
			}
			if err := insert(t, pool, want); err != nil {
				t.Fatal(err)
			}
			got, err := read(t, pool)
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestUnsetIsNull(t *testing.T) {
	pool := plants(t)
	if err := insert(t, pool, &testpb.Plant{}); err != nil {
		t.Fatal(err)
	}
	var nulls int
	err := pool.QueryRow(t.Context(), "SELECT num_nulls(id, height, planted, water_every, leaf) FROM plants").Scan(&nulls)
	if err != nil || nulls != 5 {
		t.Errorf("%d columns are NULL, %v; want 5", nulls, err)
	}
}

func TestUnfit(t *testing.T) {
	pool := plants(t)
	late := &timestamppb.Timestamp{Seconds: math.MaxInt64}
	for name, p := range map[string]*testpb.Plant{
		"time":                   {Planted: late},
		"time's nanos":           {Planted: &timestamppb.Timestamp{Nanos: -1}},
		"duration":               {WaterEvery: &durationpb.Duration{Seconds: 315_576_000_000}}, // valid, and more than a bigint of nanoseconds
		"duration of two signs":  {WaterEvery: &durationpb.Duration{Seconds: 1, Nanos: -1}},
		"time in a message":      {Leaf: &testpb.Leaf{Fell: late}},
		"time in a list":         {Leaves: []*testpb.Leaf{{Fell: late}}},
		"time in a map":          {LeafOf: map[string]*testpb.Leaf{"": {Fell: late}}},
		"not a number":           {Widths: []float64{math.NaN()}},
		"no uuid":                {Id: "7"},
		"no decimal":             {Height: "1,5"},
		"enum of another number": {Kind: 7},
		"NUL":                    {Name: "a\x00b"},
	} {
		t.Run(name, func(t *testing.T) {
			err := insert(t, pool, p)
			if got := status.Code(postgres.Status(err, "plant")); got != codes.InvalidArgument {
				t.Errorf("got %v (%v), want InvalidArgument", got, err)
			}
		})
	}
}

func TestScanFaults(t *testing.T) {
	pool := pgtest.New(t)
	var kind testpb.Plant_Kind
	var cells uint64
	var leaf *testpb.Leaf
	var leaves []*testpb.Leaf
	var leafOf map[string]*testpb.Leaf
	var namesIf map[bool]string
	for name, c := range map[string]struct {
		sql string
		dst any
	}{
		"enum of a newer release": {"'fern'", column.ScanEnum(&kind)},
		"upper case":              {"'UNSPECIFIED2'", column.ScanEnum(&kind)},
		"negative":                {"(-1)::numeric", column.ScanUint64(&cells)},
		"too large":               {"18446744073709551616", column.ScanUint64(&cells)},
		"message":                 {`'{"veins": "many"}'::jsonb`, column.ScanMessage(&leaf)},
		"message that is a list":  {`'[]'::jsonb`, column.ScanMessage(&leaf)},
		"list":                    {`'[{"veins": "many"}]'::jsonb`, column.ScanList(&leaves)},
		"list that is an object":  {`'{}'::jsonb`, column.ScanList(&leaves)},
		"map":                     {`'{"a": 1}'::jsonb`, column.ScanMap(&leafOf)},
		"map of bool":             {`'{"true": 1}'::jsonb`, column.ScanValues(&namesIf)},
		"number as JSON":          {"1", column.ScanMessage(&leaf)},
	} {
		if err := pool.QueryRow(t.Context(), "SELECT "+c.sql).Scan(c.dst); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A row may come from a newer release, whose messages have more fields, or be NULL in an outer join.
func TestScanTolerates(t *testing.T) {
	pool := pgtest.New(t)
	leaf := &testpb.Leaf{Colour: "old"}
	if err := pool.QueryRow(t.Context(), `SELECT '{"colour": "red", "scent": 1}'::jsonb`).Scan(column.ScanMessage(&leaf)); err != nil || leaf.GetColour() != "red" {
		t.Errorf("got %v, %v", leaf, err)
	}
	p := &testpb.Plant{
		Id: "x", Kind: 1, Planted: &timestamppb.Timestamp{}, WaterEvery: &durationpb.Duration{}, Cells: 1, Leaf: leaf, Leaves: []*testpb.Leaf{leaf},
		LeafOf: map[string]*testpb.Leaf{"": leaf}, Names: []string{""}, NamesIf: map[bool]string{true: ""},
	}
	err := pool.QueryRow(t.Context(), `SELECT NULL::uuid, NULL::text, NULL::timestamptz, NULL::bigint, NULL::numeric, NULL::jsonb, NULL::jsonb,
		NULL::jsonb, NULL::jsonb, NULL::jsonb`).Scan(column.ScanText(&p.Id), column.ScanEnum(&p.Kind), column.ScanTime(&p.Planted),
		column.ScanDuration(&p.WaterEvery), column.ScanUint64(&p.Cells), column.ScanMessage(&p.Leaf), column.ScanList(&p.Leaves),
		column.ScanMap(&p.LeafOf), column.ScanValues(&p.Names), column.ScanValues(&p.NamesIf))
	if err != nil || !proto.Equal(p, &testpb.Plant{}) {
		t.Errorf("NULLs are read as %v, %v", p, err)
	}
}

func TestEnum(t *testing.T) {
	for kind, want := range map[testpb.Plant_Kind]string{
		testpb.Plant_KIND_UNSPECIFIED: "", testpb.Plant_KIND_TREE: "tree", testpb.Plant_KIND_KIND_OF_GRASS: "kind_of_grass", 7: "7",
	} {
		if got := column.Enum(kind); got != want {
			t.Errorf("%d is written as %q, want %q", kind, got, want)
		}
	}
}
