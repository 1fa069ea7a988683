package signing

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// broker is what sends messages, such as *kafka.Publisher; an outbox.Publisher.
type broker interface {
	Publish(ctx context.Context, msg event.Message, done func(error))
	Close(ctx context.Context) error
}

// Publisher signs what it publishes. It is an outbox.Publisher.
type Publisher struct {
	to     broker
	keys   *Keyring
	prefix string
	now    func() time.Time
}

// Publisher returns what signs messages and gives them to a broker that puts prefix before the names of topics. The signature is made when a
// message is sent, not when it is written: a row of the outbox may wait for hours.
func (k *Keyring) Publisher(to broker, prefix string) *Publisher {
	return &Publisher{to, k, prefix, time.Now}
}

// Publish implements outbox.Publisher. It leaves msg as it is.
func (p *Publisher) Publish(ctx context.Context, msg event.Message, done func(error)) {
	p.to.Publish(ctx, p.sign(msg), done)
}

// Close implements outbox.Publisher: it closes what messages are given to.
func (p *Publisher) Close(ctx context.Context) error { return p.to.Close(ctx) }

func (p *Publisher) sign(msg event.Message) event.Message {
	keys := p.keys.current.Load()
	extensions := make(map[string]string, len(msg.Extensions)+3)
	maps.Copy(extensions, msg.Extensions)
	extensions[keyAttribute] = keys.signing
	extensions[timeAttribute] = p.now().UTC().Format(time.RFC3339Nano)
	msg.Extensions = extensions

	seen := msg // as its consumers see it
	seen.Topic = p.prefix + msg.Topic
	extensions[signatureAttribute] = base64.StdEncoding.EncodeToString(mac(keys.secrets[keys.signing], canonical(seen)))
	return msg
}

// Senders are the sources that may send a message, by its type.
type Senders map[string][]string

// Verifier tells messages of the system from others. It is an inbox.Verifier.
type Verifier struct {
	keys    *Keyring
	senders Senders
}

// Verifier returns what takes messages of the given senders and no others.
func (k *Keyring) Verifier(senders Senders) *Verifier { return &Verifier{k, senders} }

// Reasons are those that Verify gives.
func (v *Verifier) Reasons() []string {
	return []string{Unsigned, UnknownKey, BadSign, Source, Untimed, Late}
}

// Reason is that of an error of Verify.
func (v *Verifier) Reason(err error) string { return Reason(err) }

// Verify returns why a message is not to be believed, nil if it is. Its time is compared with when the broker appended it, not with now: a
// consumer that was down for a day takes what came meanwhile, and what somebody appends again is late. A replay within the window has the id of
// a message that was handled, as ids are signed: the inbox skips it.
func (v *Verifier) Verify(msg event.Message) error {
	signature, id := msg.Extensions[signatureAttribute], msg.Extensions[keyAttribute]
	if signature == "" || id == "" {
		return refusal{Unsigned, fmt.Errorf("the message is not signed")}
	}
	if err := v.keys.current.Load().verify(id, signature, canonical(msg)); err != nil {
		return err
	}
	if !slices.Contains(v.senders[msg.Type], msg.Source) {
		return refusal{Source, fmt.Errorf("%s does not send %s by msgen.yaml", msg.Source, msg.Type)}
	}
	if msg.Appended.IsZero() {
		return refusal{Untimed, fmt.Errorf("the broker does not say when it got the message: topic %s needs message.timestamp.type=LogAppendTime", msg.Topic)}
	}
	signed, err := time.Parse(time.RFC3339Nano, msg.Extensions[timeAttribute])
	if err != nil || !within(signed, msg.Appended) {
		return refusal{Late, fmt.Errorf("signed at %s and given to the broker at %s: more than %s apart",
			msg.Extensions[timeAttribute], msg.Appended.Format(time.RFC3339), Window)}
	}
	return nil
}
