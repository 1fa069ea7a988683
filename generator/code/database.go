package code

import "go/ast"

// openers open a database or a pool of connections to one.
func openers() map[string]bool {
	return table(
		"database/sql: Open OpenDB",
		"github.com/jackc/pgx: Connect ConnectConfig ConnectWithOptions NewConnPool",
		"github.com/jackc/pgx/pgxpool: New NewWithConfig Connect ConnectConfig",
		"github.com/jackc/pgx/pgconn: Connect ConnectConfig ConnectWithOptions",
		"github.com/jackc/pgx/stdlib: OpenDB OpenDBFromPool",
		"github.com/jackc/pgconn: Connect ConnectConfig",
		"github.com/jmoiron/sqlx: Open MustOpen Connect ConnectContext MustConnect NewDb",
		"gorm.io/gorm: Open",
		"github.com/uptrace/bun: NewDB",
		"github.com/go-pg/pg: Connect",
		"xorm.io/xorm: NewEngine",
		"entgo.io/ent/dialect/sql: Open OpenDB",
		"go.mongodb.org/mongo-driver/mongo: Connect NewClient",
		"platform/postgres: Open",
	)
}

// openedDatabases finds databases that are opened by hand (MSG251).
func openedDatabases(u *unit) {
	if u.shared() {
		return
	}
	u.uses(openers(), func(file *ast.File, at ast.Node, symbol string, _ []ast.Node) {
		u.add(file, at, finding{
			message: short(symbol) + " opens a database past the repositories",
			label:   "the platform opens the service's own database",
			help:    "read through gen.Deps.Store and write in a transaction, tx or Store.InTx; rows of other services come through their clients and events",
		})
	})
}
