package orders

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
)

// Count reads in the transaction that the platform opened.
func Count(ctx context.Context, tx pgx.Tx) (n sql.NullInt64, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM orders").Scan(&n)
	return n, err
}
