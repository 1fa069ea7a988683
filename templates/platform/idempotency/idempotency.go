// Package idempotency lets a client repeat a request without repeating its effect: AIP-155, https://google.aip.dev/155. The response
// is stored under the client's request id, in the transaction that holds the effect.
package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Migrations creates the table idempotency.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// maxID is the longest request id accepted, in bytes. A UUID, which AIP-155 asks for, has 36.
const maxID = 128

// Do returns what fn returns, and stores it in tx under method and requestID. When that id was used before, it reads the stored
// response into res and returns it without calling fn. A request of the same id that is still under way is waited for.
//
// With an empty requestID it only calls fn. An id that was used for another req, or that is no valid id, gives InvalidArgument. After
// any error tx must be rolled back, which frees the id: a request that failed may be repeated.
func Do[T proto.Message](ctx context.Context, tx pgx.Tx, method, requestID string, req proto.Message, res T, fn func() (T, error)) (T, error) {
	var none T
	if requestID == "" {
		return fn()
	}
	if len(requestID) > maxID || !utf8.ValidString(requestID) || strings.ContainsRune(requestID, 0) {
		return none, status.Errorf(codes.InvalidArgument, "request id: must be UTF-8 of at most %d bytes", maxID)
	}
	hash, err := fingerprint(req)
	if err != nil {
		return none, err
	}
	// Waits for a transaction that has inserted the same id and not ended.
	tag, err := tx.Exec(ctx, `INSERT INTO idempotency (method, request_id, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		method, requestID, hash)
	if err != nil {
		return none, fmt.Errorf("store request id: %w", err)
	}
	if tag.RowsAffected() == 0 {
		if err := replay(ctx, tx, method, requestID, hash, res); err != nil {
			return none, err
		}
		return res, nil
	}
	out, err := fn()
	if err != nil {
		return none, err
	}
	raw, err := proto.Marshal(out)
	if err != nil {
		return none, fmt.Errorf("encode response: %w", err)
	}
	if raw == nil { // fn returned a nil message; NULL would mean that there is no response yet
		raw = []byte{}
	}
	_, err = tx.Exec(ctx, `UPDATE idempotency SET response = $3 WHERE method = $1 AND request_id = $2`, method, requestID, raw)
	if err != nil {
		return none, fmt.Errorf("store response: %w", err)
	}
	return out, nil
}

// replay reads the stored response into res.
func replay(ctx context.Context, tx pgx.Tx, method, requestID string, hash []byte, res proto.Message) error {
	var usedFor, response []byte
	err := tx.QueryRow(ctx, `SELECT request_hash, response FROM idempotency WHERE method = $1 AND request_id = $2`,
		method, requestID).Scan(&usedFor, &response)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // purged between the two statements
		return status.Error(codes.Aborted, "request id: try again")
	case err != nil:
		return fmt.Errorf("look up request id: %w", err)
	case !bytes.Equal(usedFor, hash):
		return status.Error(codes.InvalidArgument, "request id: was used for another request")
	case response == nil: // somebody committed although Do had failed
		return status.Error(codes.Aborted, "request id: belongs to a request that failed")
	}
	if err := proto.Unmarshal(response, res); err != nil {
		return fmt.Errorf("decode stored response: %w", err)
	}
	return nil
}

// fingerprint tells requests apart. Deterministic encoding is stable for one build of the service, which is what a repeat meets but
// for the moment of a deployment.
func fingerprint(req proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	sum := sha256.Sum256(raw)
	return sum[:], nil
}
