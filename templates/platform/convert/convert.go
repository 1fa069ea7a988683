// Package convert turns the values of protobuf fields into Go's own and back. A missing value is nil on both sides.
package convert

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Timestamp returns t as a protobuf field.
func Timestamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

// TimestampPtr returns t as a protobuf field.
func TimestampPtr(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

// Time returns t in UTC.
func Time(t *timestamppb.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	v := t.AsTime()
	return &v
}

// Duration returns d; one beyond Go's 292 years is the longest there is.
func Duration(d *durationpb.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	v := d.AsDuration()
	return &v
}

// DurationProto returns d as a protobuf field.
func DurationProto(d *time.Duration) *durationpb.Duration {
	if d == nil {
		return nil
	}
	return durationpb.New(*d)
}

// Money returns an amount of currency, an ISO 4217 code, in whole units and billionths of one; nil without a currency.
func Money(currency string, units int64, nanos int32) *money.Money {
	if currency == "" {
		return nil
	}
	return &money.Money{CurrencyCode: currency, Units: units, Nanos: nanos}
}

// MoneyColumns is the reverse of Money. What it returns for nil has no currency.
func MoneyColumns(m *money.Money) (currency string, units int64, nanos int32) {
	return m.GetCurrencyCode(), m.GetUnits(), m.GetNanos()
}

// maxNanos is one billionth less than a unit.
const maxNanos = 999_999_999

// ValidMoney returns why m is no amount as google.type.Money defines it: the currency is a code of three capital letters, nanos are
// less than a unit, and units and nanos have the same sign. A nil m is valid: there is no amount.
func ValidMoney(m *money.Money) error {
	if m == nil {
		return nil
	}
	code := m.GetCurrencyCode()
	if len(code) != 3 {
		return fmt.Errorf("currency %.10q is not a code of three letters", code)
	}
	for _, r := range code {
		if r < 'A' || r > 'Z' {
			return fmt.Errorf("currency %q is not a code of three capital letters", code)
		}
	}
	units, nanos := m.GetUnits(), m.GetNanos()
	if nanos < -maxNanos || nanos > maxNanos {
		return fmt.Errorf("nanos %d are a unit or more", nanos)
	}
	if units > 0 && nanos < 0 || units < 0 && nanos > 0 {
		return fmt.Errorf("units %d and nanos %d differ in sign", units, nanos)
	}
	return nil
}
