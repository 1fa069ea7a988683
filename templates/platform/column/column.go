// Package column moves values between protobuf fields and database columns. The functions named after a type turn a field into a query
// argument; the Scan functions return what rows.Scan writes a column into. Zero values of optional columns are stored as NULL.
//
// A value that its column cannot hold fails the query with INVALID_ARGUMENT, before anything is sent.
package column

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// scanner adapts a function to sql.Scanner.
type scanner func(src any) error

// Scan implements sql.Scanner.
func (s scanner) Scan(src any) error { return s(src) }

// valuer adapts a function to driver.Valuer.
type valuer func() (driver.Value, error)

// Value implements driver.Valuer.
func (v valuer) Value() (driver.Value, error) { return v() }

// unfit is the error for a value that its column cannot hold.
func unfit(err error) error {
	return status.Errorf(codes.InvalidArgument, "cannot be stored: %v", err)
}

// Text is the argument for a nullable text-like column (uuid, numeric): NULL when s is empty.
func Text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ScanText reads a nullable text-like column; NULL is "".
func ScanText(dst *string) sql.Scanner {
	return scanner(func(src any) error {
		var s sql.NullString
		if err := s.Scan(src); err != nil {
			return err
		}
		*dst = s.String
		return nil
	})
}

// Time is the argument for a timestamptz column, which keeps microseconds: NULL when t is nil.
func Time(t *timestamppb.Timestamp) driver.Valuer {
	return valuer(func() (driver.Value, error) {
		if t == nil {
			return nil, nil
		}
		if err := t.CheckValid(); err != nil {
			return nil, unfit(err)
		}
		return t.AsTime(), nil
	})
}

// ScanTime reads a timestamptz column; NULL is nil.
func ScanTime(dst **timestamppb.Timestamp) sql.Scanner {
	return scanner(func(src any) error {
		var t sql.NullTime
		if err := t.Scan(src); err != nil {
			return err
		}
		*dst = nil
		if t.Valid {
			*dst = timestamppb.New(t.Time)
		}
		return nil
	})
}

// Duration is the argument for a bigint column of nanoseconds, which reaches 292 years: NULL when d is nil.
func Duration(d *durationpb.Duration) driver.Valuer {
	return valuer(func() (driver.Value, error) {
		if d == nil {
			return nil, nil
		}
		if err := d.CheckValid(); err != nil {
			return nil, unfit(err)
		}
		v := d.AsDuration() // saturates
		if back := durationpb.New(v); back.GetSeconds() != d.GetSeconds() || back.GetNanos() != d.GetNanos() {
			return nil, unfit(fmt.Errorf("a duration of %d seconds is out of range", d.GetSeconds()))
		}
		return int64(v), nil
	})
}

// ScanDuration reads a bigint column of nanoseconds; NULL is nil.
func ScanDuration(dst **durationpb.Duration) sql.Scanner {
	return scanner(func(src any) error {
		var n sql.NullInt64
		if err := n.Scan(src); err != nil {
			return err
		}
		*dst = nil
		if n.Valid {
			*dst = durationpb.New(time.Duration(n.Int64))
		}
		return nil
	})
}

// Uint64 is the argument for a numeric(20, 0) column: bigint is signed.
func Uint64(n uint64) string { return strconv.FormatUint(n, 10) }

// ScanUint64 reads a numeric(20, 0) column; NULL is 0.
func ScanUint64(dst *uint64) sql.Scanner {
	return scanner(func(src any) error {
		var s sql.NullString
		err := s.Scan(src)
		*dst = 0
		if err == nil && s.Valid {
			*dst, err = strconv.ParseUint(s.String, 10, 64)
		}
		return err
	})
}

// Bytes is the argument for a bytea column that is never NULL: nil is stored as no bytes.
func Bytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Money holds the three columns of a google.type.Money while a row is scanned.
type Money struct {
	Currency string
	Units    int64
	Nanos    int32
}

// Proto is the message; nil when all columns are empty, which is how an unset field is stored.
func (m Money) Proto() *money.Money {
	if m == (Money{}) {
		return nil
	}
	return &money.Money{CurrencyCode: m.Currency, Units: m.Units, Nanos: m.Nanos}
}

// Enum is the text that stands for an enum's value in a column: "pending" for STATE_PENDING of the enum State, "" for the unspecified
// value. A number that the enum does not name is written as a number, which no column's CHECK lets in and no filter finds.
func Enum[E protoreflect.Enum](e E) string {
	if e.Number() == 0 {
		return ""
	}
	d := e.Descriptor()
	v := d.Values().ByNumber(e.Number())
	if v == nil {
		return strconv.Itoa(int(e.Number()))
	}
	return strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix(d)))
}

// EnumType is a Go enum type as protoc-gen-go writes it.
type EnumType interface {
	~int32
	protoreflect.Enum
}

// ScanEnum reads a text column written by Enum; NULL is the unspecified value. A text that the enum does not know is an error: the row is
// from a newer release.
func ScanEnum[E EnumType](dst *E) sql.Scanner {
	return scanner(func(src any) error {
		var s sql.NullString
		if err := s.Scan(src); err != nil {
			return err
		}
		if s.String == "" {
			*dst = 0
			return nil
		}
		d := (*dst).Descriptor()
		v := d.Values().ByName(protoreflect.Name(prefix(d) + strings.ToUpper(s.String)))
		if v == nil {
			return fmt.Errorf("enum %s has no value %q", d.FullName(), s.String)
		}
		*dst = E(v.Number())
		return nil
	})
}

// prefix is what the values of an enum begin with: STATE_ for State, as its first value STATE_UNSPECIFIED says.
func prefix(d protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(d.Values().Get(0).Name()), "UNSPECIFIED")
}
