package shard

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/stuck"
)

// Stuck opens all shards of a database for the command stuck.
func Stuck(ctx context.Context, cfg postgres.Config) (shards []stuck.Shard, closeAll func(), err error) {
	s, err := connect(ctx, cfg, Options{})
	if err != nil {
		return nil, nil, err
	}
	if err := s.look(ctx); err != nil {
		s.Close()
		return nil, nil, err
	}
	for _, sh := range s.Shards() {
		shards = append(shards, stuck.Shard{Number: sh.Number, Pool: sh.Pool, Enter: enterRow})
	}
	return shards, s.Close, nil
}

// enterRow enters the slot of a row, if it has one. A row that is gone, or has gone with its slot while this waited, is pgx.ErrNoRows.
func enterRow(ctx context.Context, tx pgx.Tx, table, id string) error {
	name := pgx.Identifier{table}.Sanitize()
	var slot *int
	err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT shard_slot FROM %s WHERE id::text = $1`, name), id).Scan(&slot)
	if err == nil && slot != nil {
		_, err = tx.Exec(ctx, `SELECT shards.enter($1)`, *slot)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("it is not in this shard any more: %w", err)
	}
	return err
}
