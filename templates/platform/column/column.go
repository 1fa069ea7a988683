// Package column moves values between protobuf fields and database columns. The functions named after a type turn a field into a query
// argument; the Scan functions return what rows.Scan writes a column into. Zero values of optional columns are stored as NULL.
package column

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// scanner adapts a function to sql.Scanner.
type scanner func(src any) error

// Scan implements sql.Scanner.
func (s scanner) Scan(src any) error { return s(src) }

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

// Time is the argument for a timestamptz column: NULL when t is nil.
func Time(t *timestamppb.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	v := t.AsTime()
	return &v
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

// Duration is the argument for a bigint column of nanoseconds: NULL when d is nil.
func Duration(d *durationpb.Duration) *int64 {
	if d == nil {
		return nil
	}
	v := int64(d.AsDuration())
	return &v
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

// Uint64 is the argument for a numeric(20,0) column.
func Uint64(n uint64) string { return fmt.Sprintf("%d", n) }

// ScanUint64 reads a numeric(20,0) column.
func ScanUint64(dst *uint64) sql.Scanner {
	return scanner(func(src any) error {
		_, err := fmt.Sscanf(fmt.Sprint(src), "%d", dst)
		return err
	})
}

// Money holds the three columns of a google.type.Money while a row is scanned.
type Money struct {
	Currency string
	Units    int64
	Nanos    int32
}

// Proto is the message; nil when the row has no currency, which is how an unset field is stored.
func (m Money) Proto() *money.Money {
	if m.Currency == "" {
		return nil
	}
	return &money.Money{CurrencyCode: m.Currency, Units: m.Units, Nanos: m.Nanos}
}

// Enum is the argument for a text column that holds an enum: STATE_PENDING of the enum State is "pending", the unspecified value is "".
func Enum[E protoreflect.Enum](e E) string {
	d := e.Descriptor()
	v := d.Values().ByNumber(e.Number())
	if v == nil || e.Number() == 0 {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix(d)))
}

// EnumPtr is the constraint of ScanEnum: a Go enum type as protoc-gen-go writes it.
type EnumPtr interface {
	~int32
	protoreflect.Enum
}

// ScanEnum reads a text column written by Enum. A value the enum does not know is an error: the row is from a newer release.
func ScanEnum[E EnumPtr](dst *E) sql.Scanner {
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

// prefix is what the values of an enum begin with: STATE_ for State, PAYMENT_KIND_ for PaymentKind.
func prefix(d protoreflect.EnumDescriptor) string {
	var b strings.Builder
	for i, r := range string(d.Name()) {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	b.WriteByte('_')
	return b.String()
}
