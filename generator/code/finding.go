package code

import (
	"go/ast"
	"go/token"

	"golang.org/x/tools/go/analysis"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// finding is what a rule found in a Go file.
type finding struct {
	id       string
	pos, end token.Pos
	message  string
	label    string
	help     string
	in       string // the function, or what else stands for the place whatever its line; "" outside functions
}

// diagnostic is the finding as go vet prints it, which has one line for all there is to say.
func (f *finding) diagnostic() analysis.Diagnostic {
	return analysis.Diagnostic{
		Pos: f.pos, End: f.end, Category: f.id, URL: pages + f.id + ".md",
		Message: f.message + " (" + f.id + "): " + f.help,
	}
}

// rendered is the finding as msgen validate reports it.
func (f *finding) rendered(t *texts) diag.Diagnostic {
	d := rule.Finding(f.id)
	d.Message, d.Help = f.message, f.help
	start := t.fset.PositionFor(f.pos, false)
	d.Primary = diag.Label{Span: t.span(start.Filename, start.Offset, t.fset.PositionFor(f.end, false).Offset), Text: f.label}
	d.Path = t.logical(start.Filename, f.in)
	return d
}

// enclosing is the function declaration that a place is in: Place, or Service.PlaceOrder for a method; "" when it is in none.
func enclosing(file *ast.File, pos token.Pos) string {
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || pos < fn.Pos() || pos >= fn.End() {
			continue
		}
		if fn.Recv == nil || len(fn.Recv.List) == 0 {
			return fn.Name.Name
		}
		return receiver(fn.Recv.List[0].Type) + "." + fn.Name.Name
	}
	return ""
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.ParenExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
