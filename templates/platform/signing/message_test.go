package signing

import (
	"bytes"
	"context"
	"encoding/base64"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func message() event.Message {
	return event.Message{
		ID: "id", Source: "/shop/orders", Type: "Placed", Subject: "o-1", Time: noon, Topic: "orders.events", Key: "o-1",
		Data: []byte{1, 2, 3}, Extensions: map[string]string{"sagaid": "s", "traceparent": "t"},
	}
}

type captured struct{ msg event.Message }

func (c *captured) Close(context.Context) error { return nil }

// The relay of the outbox takes it.
var _ outbox.Publisher = (*Publisher)(nil)

func (c *captured) Publish(_ context.Context, msg event.Message, done func(error)) {
	c.msg = msg
	done(nil)
}

// published is what a consumer gets of a message that was signed at noon: with the installation's prefix, and the time of the broker.
func published(t testing.TB, k *Keyring, msg event.Message, appended time.Time) event.Message {
	t.Helper()
	var to captured
	p := k.Publisher(&to, "staging.")
	p.now = func() time.Time { return noon }
	p.Publish(t.Context(), msg, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	got := to.msg
	got.Topic = "staging." + got.Topic
	got.Appended, got.Partition, got.Offset, got.Attempt = appended, 2, 7, 1
	return got
}

var senders = Senders{"Placed": {"/shop/orders"}}

func TestMessages(t *testing.T) {
	k := keyring(t, first+second)
	original := message()
	good := published(t, k, original, noon.Add(time.Second))
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if len(original.Extensions) != 2 {
		t.Error("the publisher changed the message that it was given")
	}
	stranger := keyring(t, line("k1", 'x', 32))
	unknown := keyring(t, line("k9", 'a', 32))
	other := message()
	other.Source = "/shop/payments"
	signed := func(change func(*event.Message)) event.Message {
		m := good
		m.Extensions, m.Data = maps.Clone(good.Extensions), bytes.Clone(good.Data)
		change(&m)
		return m
	}
	ext := func(name, value string) event.Message {
		return signed(func(m *event.Message) { m.Extensions[name] = value })
	}
	for name, c := range map[string]struct {
		msg  event.Message
		want string
	}{
		"as it was sent":          {good, ""},
		"no signature":            {signed(func(m *event.Message) { delete(m.Extensions, signatureAttribute) }), Unsigned},
		"no key id":               {signed(func(m *event.Message) { delete(m.Extensions, keyAttribute) }), Unsigned},
		"forged":                  {published(t, stranger, message(), noon), BadSign},
		"unknown key":             {published(t, unknown, message(), noon), UnknownKey},
		"another of our keys":     {ext(keyAttribute, "k2"), BadSign},
		"no base64":               {ext(signatureAttribute, "?"), BadSign},
		"altered data":            {signed(func(m *event.Message) { m.Data[0]++ }), BadSign},
		"altered id":              {signed(func(m *event.Message) { m.ID += "x" }), BadSign},
		"altered key":             {signed(func(m *event.Message) { m.Key += "x" }), BadSign},
		"altered type":            {signed(func(m *event.Message) { m.Type += "x" }), BadSign},
		"altered source":          {signed(func(m *event.Message) { m.Source += "x" }), BadSign},
		"altered subject":         {signed(func(m *event.Message) { m.Subject += "x" }), BadSign},
		"altered time":            {signed(func(m *event.Message) { m.Time = m.Time.Add(1) }), BadSign},
		"another topic":           {signed(func(m *event.Message) { m.Topic = "prod.orders.events" }), BadSign},
		"altered extension":       {ext("sagaid", "other"), BadSign},
		"added extension":         {ext("sagaop", "x"), BadSign},
		"altered signing time":    {ext(timeAttribute, noon.Add(time.Hour).Format(time.RFC3339Nano)), BadSign},
		"somebody else's message": {published(t, k, other, noon), Source},
		"in time":                 {published(t, k, message(), noon.Add(Window)), ""},
		"late":                    {published(t, k, message(), noon.Add(Window+1)), Late},
		"early":                   {published(t, k, message(), noon.Add(-Window-1)), Late},
		"appended again a day on": {published(t, k, message(), noon.Add(24*time.Hour)), Late},
		"no time of the broker":   {published(t, k, message(), time.Time{}), Untimed},
	} {
		err := k.Verifier(senders).Verify(c.msg)
		if got := Reason(err); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestRotation goes through the steps of the README with a sender and a receiver that take them at different times.
func TestRotation(t *testing.T) {
	steps := []string{first, first + second, second + first, second}
	for i := range steps {
		for _, j := range []int{i - 1, i, i + 1} {
			if j < 0 || j >= len(steps) || i == 2 && j == 3 { // what is left of the old key is waited for before it goes
				continue
			}
			from, to := keyring(t, steps[i]), keyring(t, steps[j])
			if err := to.Verifier(senders).Verify(published(t, from, message(), noon)); err != nil {
				t.Errorf("sent at step %d, received at step %d: %v", i, j, err)
			}
		}
	}
	gone := keyring(t, second)
	if err := gone.Verifier(senders).Verify(published(t, keyring(t, first), message(), noon)); Reason(err) != UnknownKey {
		t.Errorf("with a key that was removed: %v", err)
	}
	k := keyring(t, second)
	waiting := published(t, keyring(t, first), message(), noon)
	if err := os.WriteFile(k.file, []byte(second+first), 0o600); err != nil {
		t.Fatal(err)
	}
	k.reload(t.Context(), "")
	if err := k.Verifier(senders).Verify(waiting); err != nil {
		t.Errorf("with a key that came late: %v", err)
	}
}

// FuzzCanonical looks for two messages with one form: it moves bytes between neighbours, which is what joins without lengths mistake.
func FuzzCanonical(f *testing.F) {
	f.Add("a", "b", "c", "d", "e", "f", []byte("g"), uint8(1))
	f.Add("", "", "", "", "", "", []byte{}, uint8(0))
	f.Add("\x01a", "\x00", "signature", "x", "9", "\x80", []byte{0}, uint8(200))
	f.Fuzz(func(t *testing.T, topic, key, id, name, value, subject string, data []byte, cut uint8) {
		m := event.Message{Topic: topic, Key: key, ID: id, Subject: subject, Time: noon, Data: data, Extensions: map[string]string{name: value}}
		n := min(int(cut), len(topic))
		k := min(int(cut), len(name))
		variants := []event.Message{m, m, m, m, m, m}
		variants[1].Topic, variants[1].Key = topic[:n], topic[n:]+key
		variants[2].Key, variants[2].ID = key+id, ""
		variants[3].Extensions = map[string]string{name[:k]: name[k:] + value}
		variants[4].Extensions = map[string]string{name: value, "": ""}
		variants[5].Extensions, variants[5].Data = map[string]string{}, append([]byte(name+value), data...)
		for i, a := range variants {
			for _, b := range variants[i+1:] {
				if bytes.Equal(canonical(a), canonical(b)) != same(a, b) {
					t.Errorf("%+v and %+v", a, b)
				}
			}
		}
	})
}

// same compares what a signature covers.
func same(a, b event.Message) bool {
	covered := func(m event.Message) map[string]string {
		list := maps.Clone(m.Extensions)
		delete(list, signatureAttribute)
		return list
	}
	return a.Topic == b.Topic && a.Key == b.Key && a.ID == b.ID && a.Subject == b.Subject && bytes.Equal(a.Data, b.Data) &&
		maps.Equal(covered(a), covered(b))
}

func BenchmarkSign(b *testing.B) {
	p := keyring(b, first).Publisher(&captured{}, "")
	msg := message()
	msg.Data = make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		p.sign(msg)
	}
}

func BenchmarkVerify(b *testing.B) {
	k := keyring(b, first)
	msg := message()
	msg.Data = make([]byte, 1024)
	msg = published(b, k, msg, noon)
	v := k.Verifier(senders)
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func TestKeysStayOutOfErrors(t *testing.T) {
	k := keyring(t, first)
	m := published(t, k, message(), noon)
	m.Data = nil
	err := k.Verifier(senders).Verify(m)
	secret := base64.StdEncoding.EncodeToString(k.current.Load().secrets["k1"])
	if err == nil || bytes.Contains([]byte(err.Error()), []byte(secret)) || bytes.Contains([]byte(err.Error()), []byte(m.Extensions[signatureAttribute])) {
		t.Errorf("the error shows a secret: %v", err)
	}
}
