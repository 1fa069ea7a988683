package code

import (
	"go/ast"
	"go/token"
	"go/types"
)

func newContexts() map[string]bool {
	return table("context: Background TODO", "net/http: NewRequest")
}

// lostContexts finds contexts that begin anew where the caller's is at hand (MSG551): a parameter that is a context or has one, of the function
// or of one around it. The function main and tests have none to lose.
func lostContexts(u *unit) {
	u.uses(newContexts(), func(file *ast.File, at ast.Node, symbol string, stack []ast.Node) {
		if len(stack) == 0 {
			return
		}
		if call, ok := stack[len(stack)-1].(*ast.CallExpr); !ok || call.Fun != at {
			return // the function as a value
		}
		p, ok := u.contextIn(stack)
		if !ok || isDefault(stack, p.name) {
			return
		}
		f := finding{
			message: short(symbol) + " loses the caller's context", label: "its deadline, cancellation and trace end here",
			help: "use " + p.expr + "; work that outlives the call takes context.WithoutCancel(" + p.expr + "), which keeps the trace",
		}
		if symbol == "net/http.NewRequest" {
			f.help = "use http.NewRequestWithContext with " + p.expr
		}
		if p.name == "" {
			f.help = "give the parameter a name, then " + f.help
		}
		u.add(file, at, f)
	})
}

// parameter is a parameter that gives a context.
type parameter struct {
	name string // "" when it has none
	expr string // the context: ctx, or r.Context()
}

// contextIn is the innermost parameter in scope that gives a context.
func (u *unit) contextIn(stack []ast.Node) (parameter, bool) {
	for i := len(stack) - 1; i >= 0; i-- {
		var params *ast.FieldList
		switch fn := stack[i].(type) {
		case *ast.FuncDecl:
			params = fn.Type.Params
		case *ast.FuncLit:
			params = fn.Type.Params
		}
		if params == nil {
			continue
		}
		for _, field := range params.List {
			call, ok := givesContext(u.pass.TypesInfo.TypeOf(field.Type))
			if !ok {
				continue
			}
			if len(field.Names) == 0 || field.Names[0].Name == "_" {
				return parameter{"", anyName(call) + call}, true
			}
			return parameter{field.Names[0].Name, field.Names[0].Name + call}, true
		}
	}
	return parameter{}, false
}

// anyName is what a parameter without a name may be called.
func anyName(call string) string {
	if call == "" {
		return "ctx"
	}
	return "r"
}

// givesContext reports that a value of the type is a context, or has one: *http.Request, a gRPC stream. call is what gets it.
func givesContext(t types.Type) (call string, ok bool) {
	if t == nil {
		return "", false
	}
	if isContext(t) {
		return "", true
	}
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, "Context")
	fn, ok := obj.(*types.Func)
	if !ok {
		return "", false
	}
	sig := fn.Signature()
	if sig.Params().Len() != 0 || sig.Results().Len() != 1 || !isContext(sig.Results().At(0).Type()) {
		return "", false
	}
	return ".Context()", true
}

func isContext(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "context" && n.Obj().Name() == "Context"
}

// isDefault reports if ctx == nil { ctx = context.Background() }, which loses nothing.
func isDefault(stack []ast.Node, name string) bool {
	if name == "" {
		return false
	}
	for i := len(stack) - 1; i >= 0; i-- {
		switch n := stack[i].(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			return false
		case *ast.IfStmt:
			cond, ok := n.Cond.(*ast.BinaryExpr)
			if ok && cond.Op == token.EQL && (isIdent(cond.X, name) && isIdent(cond.Y, "nil") || isIdent(cond.X, "nil") && isIdent(cond.Y, name)) {
				return i+1 < len(stack) && stack[i+1] == ast.Node(n.Body)
			}
		}
	}
	return false
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
