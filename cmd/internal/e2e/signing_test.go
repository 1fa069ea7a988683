package e2e_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// TestSigning runs the shop with all of its security on, and attacks the signatures of messages and requests.
func TestSigning(t *testing.T) {
	shop := startShop(t, "REDIS_TIMEOUT=10s") // a replica that cannot ask in time takes a replay
	write, read := token(t, shop, "orders.write"), token(t, shop, "orders.read")
	t.Run("an order is confirmed", func(t *testing.T) { confirmed(t, shop, write, read, "signed") })
	t.Run("messages", func(t *testing.T) { attackMessages(t, shop, write, read) })
	t.Run("requests", func(t *testing.T) { attackRequests(t, shop) })
	t.Run("keys rotate under load", func(t *testing.T) { rotateSigningKeys(t, shop, write, read) })
	t.Run("no log holds a key", func(t *testing.T) {
		secret := signingKey(t, shop, "k2")
		for _, name := range append([]string{"gateway"}, shopServices...) {
			log, err := os.ReadFile(shop.Process(name).LogFile)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(log), base64.StdEncoding.EncodeToString(secret)) {
				t.Errorf("the log of %s holds a key", name)
			}
		}
	})
}

// signingKey is a key from the file that all processes have.
func signingKey(t *testing.T, shop *e2e.System, id string) []byte {
	t.Helper()
	text, err := os.ReadFile(shop.SigningKeysFile())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == id {
			secret, err := base64.StdEncoding.DecodeString(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
	}
	t.Fatalf("no key %s", id)
	return nil
}

func macOf(secret, form []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write(form)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// caught is the first message of a type that the system has sent.
func caught(t *testing.T, shop *e2e.System, typ string) *kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(shop.Broker()), kgo.ConsumeRegex(),
		kgo.ConsumeTopics("^"+regexp.QuoteMeta(shop.TopicPrefix())), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("no message of type %s", typ)
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			if r := iter.Next(); header(r, "ce_type") == typ {
				return r
			}
		}
	}
}

// variant is a copy of a message with some headers changed; "" removes one.
func variant(r *kgo.Record, headers map[string]string) *kgo.Record {
	v := &kgo.Record{Topic: r.Topic, Key: r.Key, Value: slices.Clone(r.Value)}
	for _, h := range r.Headers {
		value, changed := headers[h.Key]
		if !changed {
			v.Headers = append(v.Headers, h)
		} else if value != "" {
			v.Headers = append(v.Headers, kgo.RecordHeader{Key: h.Key, Value: []byte(value)})
		}
	}
	return v
}

// signMessage signs a record as the documentation says it is done, without the code of the system.
func signMessage(r *kgo.Record, id string, secret []byte, at time.Time) *kgo.Record {
	r = variant(r, map[string]string{"ce_signkeyid": id, "ce_signtime": at.UTC().Format(time.RFC3339Nano)})
	var form []byte
	text := func(s string) { form = append(binary.AppendUvarint(form, uint64(len(s))), s...) }
	text("msgen.message.v1")
	text(r.Topic)
	text(string(r.Key))
	for _, name := range []string{"ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_specversion"} {
		text(header(r, name))
	}
	text(header(r, "content-type"))
	extensions := map[string]string{}
	for _, h := range r.Headers {
		name, ok := strings.CutPrefix(h.Key, "ce_")
		if ok && !slices.Contains([]string{"id", "source", "type", "subject", "time", "specversion", "signature"}, name) {
			extensions[name] = string(h.Value)
		}
	}
	form = binary.AppendUvarint(form, uint64(len(extensions)))
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		text(name)
		text(extensions[name])
	}
	digest := sha256.Sum256(r.Value)
	return variant(r, map[string]string{"ce_signature": macOf(secret, append(form, digest[:]...))})
}

// attackMessages puts messages on the broker that notifications must not believe.
func attackMessages(t *testing.T, shop *e2e.System, write, read string) {
	genuine := caught(t, shop, "com.example.shop.orders.v1.OrderConfirmed")
	order := header(genuine, "ce_subject")
	secret, stranger := signingKey(t, shop, "k1"), make([]byte, 32)
	_, _ = rand.Read(stranger)
	deliveries := func() int {
		return count(t, shop, "notifications", "SELECT count(*) FROM deliveries WHERE order_id = $1", order)
	}
	eventually(t, "the delivery", func() string {
		if n := deliveries(); n != 1 {
			return strconv.Itoa(n)
		}
		return ""
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(shop.Broker()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	put := func(r *kgo.Record) {
		t.Helper()
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	// fresh has an id that was not handled: the inbox alone would take it.
	fresh := func() *kgo.Record { return variant(genuine, map[string]string{"ce_id": rand.Text()}) }

	altered := variant(genuine, map[string]string{"ce_id": header(genuine, "ce_id")})
	altered.Value = append(altered.Value, altered.Value...) // decodes: the last of a repeated field counts
	for _, attack := range []struct {
		name, reason string
		message      *kgo.Record
	}{
		{"unsigned", "unsigned", variant(fresh(), map[string]string{"ce_signature": ""})},
		{"of an unknown key", "unknown_key", signMessage(fresh(), "k9", stranger, time.Now())},
		{"forged under a known key's id", "bad_signature", signMessage(fresh(), "k1", stranger, time.Now())},
		{"with another id", "bad_signature", fresh()},
		{"altered", "bad_signature", altered},
		{"on whose behalf altered", "bad_signature", variant(genuine, map[string]string{"ce_authid": "root"})},
		{"of a service that does not send it", "source", signMessage(variant(fresh(), map[string]string{"ce_source": "/shop/pricing"}), "k1", secret, time.Now())},
		{"kept back for an hour", "late", signMessage(fresh(), "k1", secret, time.Now().Add(-time.Hour))},
	} {
		before := quarantined(t, shop, attack.reason)
		put(attack.message)
		eventually(t, "the message "+attack.name, func() string {
			if n := quarantined(t, shop, attack.reason) - before; n != 1 {
				return fmt.Sprintf("quarantined %d times as %s", n, attack.reason)
			}
			return ""
		})
	}
	list := command(t, shop, "notifications", "stuck", "list")
	for reason, n := range map[string]int{"unsigned": 1, "unknown_key": 1, "bad_signature": 4, "source": 1, "late": 1} {
		if got := strings.Count(list, "quarantined: "+reason); got != n {
			t.Errorf("%d messages are listed as %s, want %d:\n%s", got, reason, n, list)
		}
	}

	// A copy in time is signed rightly; the inbox has its id. What follows it in its partition shows that it was passed.
	put(variant(genuine, nil))
	if n := deliveries(); n != 1 {
		t.Errorf("%d deliveries after the attacks, want 1", n)
	}
	put(signMessage(fresh(), "k1", secret, time.Now()))
	eventually(t, "a message that is signed rightly", func() string {
		if n := deliveries(); n != 2 {
			return fmt.Sprintf("%d deliveries", n)
		}
		return ""
	})
	confirmed(t, shop, write, read, "after the attacks")

	// The operator gives the system the key that it did not have, and the message goes through after all.
	text, err := os.ReadFile(shop.SigningKeysFile())
	if err != nil {
		t.Fatal(err)
	}
	first := strings.TrimSpace(string(text))
	if err := shop.SigningKeys(first, "k9 "+base64.StdEncoding.EncodeToString(stranger)); err != nil {
		t.Fatal(err)
	}
	id := ""
	for line := range strings.Lines(list) {
		if strings.Contains(line, "unknown_key") {
			id = regexp.MustCompile(`dead-letter/\d+`).FindString(line)
		}
	}
	keysAre(t, shop, "notifications", "k1", "k1", "k9")
	command(t, shop, "notifications", "stuck", "retry", id, "--by", "e2e")
	eventually(t, "the message of a key that came later", func() string {
		if n := deliveries(); n != 3 {
			return fmt.Sprintf("%d deliveries", n)
		}
		return ""
	})
}

// quarantined is how many messages notifications has put into quarantine for a reason.
func quarantined(t *testing.T, shop *e2e.System, reason string) int {
	t.Helper()
	return counted(t, shop, "notifications", `messages_quarantined_total{[^}]*reason="`+reason+`"}`)
}

// counted is the value of the one series that fits a regular expression.
func counted(t *testing.T, shop *e2e.System, process, series string) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^`+series+` (\d+)$`).FindAllStringSubmatch(ops(t, shop, process, "/metrics"), -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d series %s, want 1", process, len(found), series)
	}
	n, err := strconv.Atoi(found[0][1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// keysAre waits until a process has the keys, by their ids in order, of which one signs.
func keysAre(t *testing.T, shop *e2e.System, name, signs string, ids ...string) {
	t.Helper()
	replaced := regexp.MustCompile(`"signing keys replaced".*"signs":("[^"]*"),"keys":(\[[^\]]*\])`)
	want := `"` + signs + `" of ["` + strings.Join(ids, `","`) + `"]`
	eventually(t, "the keys of "+name, func() string {
		log, err := os.ReadFile(shop.Process(name).LogFile)
		if err != nil {
			return err.Error()
		}
		all := replaced.FindAllStringSubmatch(string(log), -1)
		if len(all) == 0 {
			return "are those of the start"
		}
		last := all[len(all)-1]
		if got := last[1] + " of " + last[2]; got != want {
			return fmt.Sprintf("are %s, want %s", got, want)
		}
		return ""
	})
}

// rotateSigningKeys replaces the key by another while orders are placed: added, made the first, the old one removed.
func rotateSigningKeys(t *testing.T, shop *e2e.System, write, read string) {
	orders := placeOrders(t, shop, write)
	before := 0
	for _, service := range shopServices {
		before += int(metric(t, shop, service, "messages_quarantined_total"))
	}
	text, err := os.ReadFile(shop.SigningKeysFile())
	if err != nil {
		t.Fatal(err)
	}
	old, _, _ := strings.Cut(string(text), "\n")
	next := e2e.NewSigningKey("k2")
	for _, stage := range []struct {
		signs     string
		keys, ids []string
	}{
		{"k1", []string{old, next}, []string{"k1", "k2"}},
		{"k2", []string{next, old}, []string{"k1", "k2"}},
		{"k2", []string{next}, []string{"k2"}},
	} {
		if len(stage.keys) == 1 {
			settled(t, shop) // what was signed with the old key is handled
		}
		if err := shop.SigningKeys(stage.keys...); err != nil {
			t.Fatal(err)
		}
		for _, name := range append([]string{"gateway"}, shopServices...) {
			keysAre(t, shop, name, stage.signs, stage.ids...)
		}
	}
	orders.finish()
	confirmed(t, shop, write, read, "rotated")
	settled(t, shop)
	for _, service := range shopServices {
		before -= int(metric(t, shop, service, "messages_quarantined_total"))
	}
	if before != 0 {
		t.Errorf("%d messages were quarantined by the rotation", -before)
	}
}

// settled waits until the orders placed until now are confirmed, and those confirmed delivered.
func settled(t *testing.T, shop *e2e.System) {
	t.Helper()
	until := time.Now()
	eventually(t, "orders", func() string {
		if n := count(t, shop, "orders", "SELECT count(*) FROM saga WHERE created_at <= $1 AND state <> 'COMPLETED'", until); n != 0 {
			return fmt.Sprintf("%d of them go on", n)
		}
		return ""
	})
	orders := count(t, shop, "orders", "SELECT count(*) FROM saga WHERE state = 'COMPLETED'")
	eventually(t, "deliveries", func() string {
		if n := count(t, shop, "notifications", "SELECT count(DISTINCT order_id) FROM deliveries"); n < orders {
			return fmt.Sprintf("%d of %d", n, orders)
		}
		return ""
	})
}
