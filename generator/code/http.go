package code

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

const (
	httpClient    = "net/http.Client"
	httpTransport = "net/http.Transport"
	failsafeHTTP  = "github.com/failsafe-go/failsafe-go/failsafehttp."
	bareHelp      = "call a service of the system through its client in gen.Deps; for an API outside, make an http.Client whose Transport has " +
		"policies, such as failsafehttp.NewRoundTripper(nil, timeout, breaker)"
)

// defaultClients are calls and clients without any policy, and clientCalls those that take no context.
func defaultClients() map[string]bool {
	return table(
		"net/http: Get Head Post PostForm DefaultClient",
		"github.com/valyala/fasthttp: Get Post Do DoRedirects",
	)
}

func clientCalls() map[string]bool {
	return table("net/http: Client.Get Client.Head Client.Post Client.PostForm")
}

// bareClients finds HTTP calls that no policy guards (MSG351). A client is judged where it is made: it needs a Transport that is more than
// net/http's own. What it is called with later is then its policies' matter, but for the methods that take no context.
func bareClients(u *unit) {
	if u.shared() {
		return
	}
	u.uses(defaultClients(), func(file *ast.File, at ast.Node, symbol string, stack []ast.Node) {
		if !u.wrapped(stack) {
			u.add(file, at, finding{
				message: short(symbol) + " calls without a timeout, retries or a breaker", label: "no policy guards this", help: bareHelp,
			})
		}
	})
	u.uses(clientCalls(), func(file *ast.File, at ast.Node, symbol string, _ []ast.Node) {
		u.add(file, at, finding{
			message: short(symbol) + " takes no context", label: "the caller's deadline and trace end here",
			help: "make the request with http.NewRequestWithContext and call Do",
		})
	})
	known := u.clients()
	for _, file := range u.files(false) {
		ast.PreorderStack(file, nil, func(n ast.Node, stack []ast.Node) bool {
			if at, target := u.made(n, stack); at != nil && !known[target] && !u.wrapped(stack) {
				u.add(file, at, finding{message: "an http.Client has no policies", label: "its Transport is net/http's own", help: bareHelp})
			}
			return true
		})
	}
}

// made returns what makes a client without a guarded transport, and what it is put into, if anything: the literal http.Client{…}, new(http.Client),
// a variable or a field that holds a zero one.
func (u *unit) made(n ast.Node, stack []ast.Node) (at ast.Node, target types.Object) {
	info := u.pass.TypesInfo
	switch n := n.(type) {
	case *ast.CompositeLit:
		if u.typeName(info.TypeOf(n)) != httpClient || u.guardedLiteral(n) {
			return nil, nil
		}
		if n.Type == nil { // left out in a list of them
			return n, nil
		}
		return n.Type, u.target(n, stack)
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) == 1 && info.Uses[id] == types.Universe.Lookup("new") &&
			u.typeName(info.TypeOf(n.Args[0])) == httpClient {
			return n, u.target(n, stack)
		}
	case *ast.ValueSpec:
		if len(n.Values) == 0 && n.Type != nil && u.zeroClient(info.TypeOf(n.Type)) {
			return n.Type, info.Defs[n.Names[0]]
		}
	case *ast.Field:
		if _, ok := stack[len(stack)-2].(*ast.StructType); ok && len(n.Names) > 0 && u.zeroClient(info.TypeOf(n.Type)) {
			return n.Type, info.Defs[n.Names[0]]
		}
	}
	return nil, nil
}

// clients are the variables and fields that are given a guarded transport after they were made, or, for fields, a client that was made
// elsewhere.
func (u *unit) clients() map[types.Object]bool {
	known := map[types.Object]bool{}
	info := u.pass.TypesInfo
	for _, file := range u.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					sel, ok := left.(*ast.SelectorExpr)
					if !ok {
						continue
					}
					switch {
					case sel.Sel.Name == "Transport" && len(n.Lhs) == len(n.Rhs):
						if u.typeName(info.TypeOf(sel.X)) == httpClient && u.guarded(n.Rhs[i]) {
							known[u.object(sel.X)] = true
						}
					case u.zeroClient(info.TypeOf(sel)):
						known[u.object(sel)] = true
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && u.zeroClient(info.TypeOf(n.Value)) {
					known[info.Uses[key]] = true
				}
			}
			return true
		})
	}
	delete(known, nil)
	return known
}

// guardedLiteral reports that http.Client{…} sets a transport with policies.
func (u *unit) guardedLiteral(lit *ast.CompositeLit) bool {
	for i, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); !ok {
			return i == 0 && u.guarded(e) // Transport is the first field
		} else if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Transport" {
			return u.guarded(kv.Value)
		}
	}
	return false
}

// guarded reports that a transport is neither nil nor one of net/http's own.
func (u *unit) guarded(e ast.Expr) bool {
	info := u.pass.TypesInfo
	if tv := info.Types[e]; tv.IsNil() || u.typeName(tv.Type) == httpTransport {
		return false
	}
	return u.symbol(u.object(e)) != "net/http.DefaultTransport"
}

// wrapped reports that what stands in stack is an argument of failsafehttp, which guards the client that it is given.
func (u *unit) wrapped(stack []ast.Node) bool {
	for i := len(stack) - 1; i >= 0; i-- {
		switch n := stack[i].(type) {
		case *ast.UnaryExpr, *ast.ParenExpr:
		case *ast.CallExpr:
			return strings.HasPrefix(u.symbol(u.object(n.Fun)), failsafeHTTP)
		default:
			return false
		}
	}
	return false
}

// target is the variable or field that an expression is assigned to; nil when it goes elsewhere.
func (u *unit) target(e ast.Expr, stack []ast.Node) types.Object {
	for i := len(stack) - 1; i >= 0; i-- {
		switch n := stack[i].(type) {
		case *ast.UnaryExpr:
			if n.Op != token.AND {
				return nil
			}
			e = n
		case *ast.ParenExpr:
			e = n
		case *ast.AssignStmt:
			for j, right := range n.Rhs {
				if right == e && len(n.Lhs) == len(n.Rhs) {
					return u.object(n.Lhs[j])
				}
			}
			return nil
		case *ast.ValueSpec:
			for j, right := range n.Values {
				if right == e && len(n.Names) == len(n.Values) {
					return u.pass.TypesInfo.Defs[n.Names[j]]
				}
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}

// object is what a name or a selector stands for; nil for other expressions.
func (u *unit) object(e ast.Expr) types.Object {
	switch e := e.(type) {
	case *ast.Ident:
		return u.pass.TypesInfo.ObjectOf(e)
	case *ast.SelectorExpr:
		return u.pass.TypesInfo.ObjectOf(e.Sel)
	case *ast.ParenExpr:
		return u.object(e.X)
	}
	return nil
}

// typeName is the name of a type or of what it points to: net/http.Client.
func (u *unit) typeName(t types.Type) string {
	if t == nil {
		return ""
	}
	n, ok := named(t)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	return n.Obj().Pkg().Path() + "." + n.Obj().Name()
}

// zeroClient reports that the zero value of a type is a client.
func (u *unit) zeroClient(t types.Type) bool {
	if t == nil {
		return false
	}
	_, pointer := types.Unalias(t).(*types.Pointer)
	return !pointer && u.typeName(t) == httpClient
}
