package postgres

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Status turns err of an operation on what ("order") into a gRPC status error. The status says nothing of tables and
// SQL; the cause stays reachable by errors.As and is what slog prints. A nil err gives nil, and an err that already
// is a status passes through.
func Status(err error, what string) error {
	if err == nil {
		return nil
	}
	var has interface{ GRPCStatus() *status.Status }
	if errors.As(err, &has) {
		return err
	}
	code, text := classify(err)
	return &statusError{st: status.New(code, strings.TrimSpace(what+" "+text)), cause: err}
}

// The SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
func classify(err error) (codes.Code, string) {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return codes.NotFound, "not found"
	case errors.Is(err, context.Canceled):
		return codes.Canceled, "request was canceled"
	case IsDown(err): // before the deadline: a connect that timed out is an outage
		return codes.Unavailable, "storage is unavailable"
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded, "request took too long"
	}
	state := sqlState(err)
	switch {
	case state == "23505": // unique_violation
		return codes.AlreadyExists, "already exists"
	case state == "23503": // foreign_key_violation
		return codes.FailedPrecondition, "refers to what does not exist, or is still referred to"
	case state == "23514", state == "23502", strings.HasPrefix(state, "22"): // check, not null, data exceptions
		return codes.InvalidArgument, "has an invalid value"
	case isRetriable(state), state == "55P03": // lock_not_available
		return codes.Aborted, "was changed concurrently, try again"
	case state == "57014": // query_canceled, by statement_timeout
		return codes.DeadlineExceeded, "request took too long"
	}
	return codes.Internal, "request failed"
}

// IsDown reports whether err says that the database cannot be reached or cannot work for now: not the fault of the
// statement, and worth retrying for as long as it takes.
func IsDown(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if state := sqlState(err); state != "" {
		switch {
		case strings.HasPrefix(state, "08"), // connection exceptions
			strings.HasPrefix(state, "53"),                                         // too many connections, disk full, out of memory
			strings.HasPrefix(state, "58"),                                         // system errors
			state == "57P01", state == "57P02", state == "57P03", state == "57P05", // shutdown, crash, starting up, idle
			state == "25006": // read-only: a standby answers during a failover
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect):
		return true
	case errors.Is(err, context.DeadlineExceeded): // also a net.Error, but it is the caller who gave up
		return false
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	}
	return pgconn.SafeToRetry(err) // the connection was found closed before anything was sent
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// statusError shows clients the status and keeps the cause for InTx and the log.
type statusError struct {
	st    *status.Status
	cause error
}

func (e *statusError) Error() string              { return e.st.Err().Error() }
func (e *statusError) GRPCStatus() *status.Status { return e.st }
func (e *statusError) Unwrap() error              { return e.cause }
func (e *statusError) LogValue() slog.Value {
	return slog.StringValue(e.st.Message() + ": " + e.cause.Error())
}
