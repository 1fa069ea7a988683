package orders

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var open = sql.Open

type Service struct{}

// GetOrder opens three databases.
func (s *Service) GetOrder(ctx context.Context) error {
	pool, err := pgxpool.New(ctx, "postgres://payments/payments")
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pgx.Connect(ctx, "postgres://orders/orders")
	if err != nil {
		return err
	}
	//msgen:ignore MSG251 -- the importer of 2025, gone in March
	legacy, err := sql.Open("mysql", "legacy")
	if err == nil {
		err = legacy.Close()
	}
	_ = conn.Close(ctx)
	return err
}
