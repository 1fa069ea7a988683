package convert

import (
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestTimesGoThereAndBack(t *testing.T) {
	for _, want := range []time.Time{time.Unix(0, 0), time.Date(1969, 7, 20, 20, 17, 40, 123_456_789, time.FixedZone("", 3600)),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)} {
		if got := Time(Timestamp(want)); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%v became %v", want, got)
		}
		if got := Time(TimestampPtr(&want)); !got.Equal(want) {
			t.Errorf("%v became %v", want, got)
		}
	}
	for _, want := range []time.Duration{0, 1, -1, math.MaxInt64, math.MinInt64} {
		if got := Duration(DurationProto(&want)); *got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
	if got := Duration(&durationpb.Duration{Seconds: 1 << 40}); *got != math.MaxInt64 {
		t.Errorf("beyond what Go can hold: %v", got)
	}
}

func TestMissingStaysMissing(t *testing.T) {
	if TimestampPtr(nil) != nil || Time(nil) != nil || Duration(nil) != nil || DurationProto(nil) != nil {
		t.Error("nil became a value")
	}
	if currency, units, nanos := MoneyColumns(nil); Money(currency, units, nanos) != nil {
		t.Error("no money became some")
	}
	if data, err := MessageJSON((*money.Money)(nil)); data != nil || err != nil {
		t.Errorf("nil became %s, %v", data, err)
	}
	if data, err := MessageJSON(nil); data != nil || err != nil {
		t.Errorf("nil became %s, %v", data, err)
	}
}

func TestMoneyGoesThereAndBack(t *testing.T) {
	want := &money.Money{CurrencyCode: "EUR", Units: -3, Nanos: -500_000_000}
	if got := Money(MoneyColumns(want)); !proto.Equal(got, want) {
		t.Errorf("%v became %v", want, got)
	}
}

func TestValidMoney(t *testing.T) {
	for _, m := range []*money.Money{nil, {CurrencyCode: "EUR"}, {CurrencyCode: "JPY", Units: math.MinInt64, Nanos: -maxNanos},
		{CurrencyCode: "USD", Units: math.MaxInt64, Nanos: maxNanos}, {CurrencyCode: "EUR", Nanos: -1}} {
		if err := ValidMoney(m); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
	for want, m := range map[string]*money.Money{
		"three letters":      {},
		"three letters ":     {CurrencyCode: "EURO"},
		"capital letters":    {CurrencyCode: "eur"},
		"are a unit or more": {CurrencyCode: "EUR", Nanos: maxNanos + 1},
		"a unit or more":     {CurrencyCode: "EUR", Nanos: math.MinInt32},
		"differ in sign":     {CurrencyCode: "EUR", Units: 1, Nanos: -1},
		"in sign":            {CurrencyCode: "EUR", Units: -1, Nanos: 1},
	} {
		if err := ValidMoney(m); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%v: %v, want %s", m, err, want)
		}
	}
}

func TestJSONGoesThereAndBack(t *testing.T) {
	one := &money.Money{CurrencyCode: "EUR", Units: 3, Nanos: 5}
	data, err := MessageJSON(one)
	if err != nil || string(data) != `{"currencyCode":"EUR","units":"3","nanos":5}` {
		t.Errorf("got %s, %v", data, err)
	}
	got := &money.Money{}
	if err := MessageFromJSON([]byte(`{"currencyCode":"EUR","units":"3","nanos":5,"later":true}`), got); err != nil || !proto.Equal(got, one) {
		t.Errorf("got %v, %v", got, err)
	}
	newMoney := func() *money.Money { return &money.Money{} }
	for want, list := range map[string][]*money.Money{`[]`: nil, `[{}]`: {{}}, `[{"units":"1"},{"units":"2"}]`: {{Units: 1}, {Units: 2}}} {
		data, err := ListJSON(list)
		if err != nil || string(data) != want {
			t.Errorf("got %s, %v; want %s", data, err, want)
		}
		back, err := ListFromJSON(data, newMoney)
		if err != nil || len(back) != len(list) {
			t.Fatalf("got %v, %v", back, err)
		}
		for i := range back {
			if !proto.Equal(back[i], list[i]) {
				t.Errorf("item %d: %v became %v", i, list[i], back[i])
			}
		}
	}
	if list, err := ListFromJSON(nil, newMoney); list != nil || err != nil {
		t.Errorf("NULL: %v, %v", list, err)
	}
}

func TestJSONErrors(t *testing.T) {
	newMoney := func() *money.Money { return &money.Money{} }
	for _, data := range []string{`{}`, `[1]`, `[{"units":"x"}]`, `nonsense`} {
		if list, err := ListFromJSON([]byte(data), newMoney); err == nil {
			t.Errorf("%s became %v", data, list)
		}
	}
	if err := MessageFromJSON([]byte(`[]`), &money.Money{}); err == nil || !strings.Contains(err.Error(), "google.type.Money") {
		t.Errorf("got %v", err)
	}
	if _, err := ListJSON([]*money.Money{nil}); err == nil {
		t.Error("a nil item went through")
	}
	if _, err := MessageJSON(structpb.NewStringValue("\xff")); err == nil {
		t.Error("text that is not UTF-8 went through")
	}
	if _, err := ListJSON([]*structpb.Value{structpb.NewStringValue("\xff")}); err == nil {
		t.Error("text that is not UTF-8 went through")
	}
}
