package generator_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/generator"
)

func drop(t *testing.T, root, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(root, filepath.FromSlash(name))); err != nil {
		t.Fatal(err)
	}
}

const (
	apiWas = `package ordersv1
type Order struct { Id, Total string }
func (o *Order) GetTotal() string { return o.Total }
type Draft struct { Id string }
type GetOrderRequest struct { Id string }
func New(id string) *Order { return nil }
`
	genWas = `package gen
type Tx struct{}
type Handlers interface {
	GetOrder(ctx context.Context, tx *Tx, req *ordersv1.GetOrderRequest) error
	DropOrder(ctx context.Context) error
}
`
	handler = `package main
import (
	ordersv1 "example.com/m/api/orders"
	"example.com/m/services/orders/internal/gen"
)
`
)

// What the user's files use is looked for among what goes or changes.
func TestPlanBreaks(t *testing.T) {
	const (
		get    = handler + "func (s *Service) GetOrder(ctx context.Context, tx *gen.Tx, req *ordersv1.GetOrderRequest) error { return nil }\n"
		total  = handler + "func total(o *ordersv1.Order) string { return o.Total }\n"
		draft  = handler + "func total(d *ordersv1.Draft) string { return d.Total }\n"
		either = handler + "var total = ordersv1.New(\"1\").Total\n"
		made   = handler + "var o = ordersv1.New(\"1\")\n"
	)
	for _, c := range []struct {
		name     string
		file     string // of the user's
		api, gen string // what is generated now
		want     string
		sure     bool
	}{
		{"nothing changed", get, apiWas, genWas, "", false},
		{"a type goes", get, "package ordersv1\ntype Order struct { Id, Total string }\n", genWas, "it uses ordersv1.GetOrderRequest, which is gone", true},
		{"a package goes", get, "", genWas, "it uses the package example.com/m/api/orders, which is gone", true},
		{"another type goes", total, "package ordersv1\ntype Order struct { Id, Total string }\n", genWas, "", false},
		{"a field goes", total, "package ordersv1\ntype Order struct { Id string }\ntype Draft struct { Id string }\n", genWas, "it uses Total, which is gone in Order", false},
		{"a field changes", total, "package ordersv1\ntype Order struct { Id string; Total int }\ntype Draft struct { Id string }\n", genWas, "it uses Total, which has changed in Order", false},
		{"another type has such a field", total, "package ordersv1\ntype Order struct { Id string }\ntype Draft struct { Id, Total string }\n", genWas, "it uses Total, which is gone in Order", false},
		{"the other type is meant", draft, "package ordersv1\ntype Order struct { Id string }\ntype Draft struct { Id, Total string }\n", genWas, "", false},
		{"nobody knows which is meant", either, "package ordersv1\nfunc New(id string) *Order { return nil }\ntype Order struct { Id string }\ntype Draft struct { Id, Total string }\n", genWas,
			"it uses Total, which is gone in Order", false},
		{"a field of another name goes", total, "package ordersv1\ntype Order struct { Total string }\n", genWas, "", false},
		{"a function changes", made, "package ordersv1\nfunc New(id int) *Order { return nil }\n", genWas, "it uses ordersv1.New, which has changed", false},
		{"a parameter is renamed", made, "package ordersv1\nfunc New(name string) *Order { return nil }\n", genWas, "", false},
		{"a handler is wanted otherwise", get, apiWas, "package gen\ntype Tx struct{}\ntype Handlers interface { GetOrder(ctx context.Context, req *ordersv1.GetOrderRequest) error }\n",
			"its handler GetOrder is not what gen.Handlers now asks for, func(context.Context, *ordersv1.GetOrderRequest) error", false},
		{"a handler has been changed already", handler + "func (s *Service) GetOrder(c context.Context, r *ordersv1.GetOrderRequest) error { return nil }\n", apiWas,
			"package gen\ntype Tx struct{}\ntype Handlers interface { GetOrder(ctx context.Context, req *ordersv1.GetOrderRequest) error }\n", "", false},
		{"a handler is not wanted any more", get, apiWas, "package gen\ntype Tx struct{}\ntype Handlers interface { DropOrder(ctx context.Context) error }\n", "", false},
		{"no Go", "mine", "package ordersv1\n", genWas, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, nil)
			all := func(api, gen string) []generator.File {
				files := []generator.File{file("go.mod", generator.Merged, "module example.com/m\n"), file("services/orders/handler.go", generator.Yours, "package main\n"),
					file("services/orders/internal/gen/gen.go", generator.Generated, gen)}
				if api != "" {
					files = append(files, file("api/orders/orders.go", generator.Generated, api))
				}
				return files
			}
			run(t, root, all(apiWas, genWas)...)
			for _, name := range []string{"services/orders/handler.go", "services/orders/more.go"} { // one that msgen made, one that it knows nothing of
				put(t, root, name, c.file)
				got := newPlan(t, root, all(c.api, c.gen)...).Breaks(root)
				if c.want == "" {
					if len(got) > 0 {
						t.Errorf("%s: found %+v", name, got)
					}
				} else if len(got) != 1 || got[0] != (generator.Break{Path: name, Reason: c.want, Sure: c.sure}) {
					t.Errorf("%s: found %+v, want %q", name, got, c.want)
				}
				put(t, root, name, "package main\n")
			}
		})
	}
}

// A package in which files of the user's stay is not gone, and what they declare is not either.
func TestPlanBreaksOwnDeclarations(t *testing.T) {
	root := tree(t, nil)
	mod := file("go.mod", generator.Merged, "module example.com/m\n")
	yours := file("services/orders/handler.go", generator.Yours, handler+"var _ ordersv1.Order\n")
	run(t, root, mod, yours, file("api/orders/orders.go", generator.Generated, "package ordersv1\ntype Order struct{}\n"))
	put(t, root, "api/orders/mine.go", "package ordersv1\ntype Order struct{}\n")
	if got := newPlan(t, root, mod, yours).Breaks(root); len(got) > 0 {
		t.Errorf("found %+v", got)
	}
	drop(t, root, "api/orders/mine.go")
	if got := newPlan(t, root, mod, yours).Breaks(root); len(got) != 1 || !got[0].Sure {
		t.Errorf("found %+v", got)
	}
	// An orphan that will be deleted breaks nothing.
	plan := newPlan(t, root, mod)
	if got := plan.Breaks(root); len(got) != 1 {
		t.Errorf("found %+v", got)
	}
	plan.Prune()
	if got := plan.Breaks(root); len(got) > 0 {
		t.Errorf("found %+v", got)
	}
}
