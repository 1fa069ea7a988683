package signing

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// The extension attributes of a signed message.
const (
	keyAttribute       = "signkeyid"
	timeAttribute      = "signtime" // RFC 3339
	signatureAttribute = "signature"
)

// formVersion begins the form of a message. It changes whenever the form does, and no form of a request begins with it.
const formVersion = "msgen.message.v1"

// canonical is what the signature of a message is made over: every text with its length before it, so that no two different messages have the
// same form. The attributes for the key and the time are among the extensions; the signature's own is not. Kafka's header content-type is not
// read by consumers, and stands here as what they take the data for.
func canonical(m event.Message) []byte {
	names := slices.Sorted(maps.Keys(m.Extensions))
	form := make([]byte, 0, 512)
	text := func(s string) {
		form = binary.AppendUvarint(form, uint64(len(s)))
		form = append(form, s...)
	}
	text(formVersion)
	for _, s := range [...]string{
		m.Topic, m.Key, m.ID, m.Source, m.Type, m.Subject, m.Time.UTC().Format(time.RFC3339Nano), event.SpecVersion, event.DataContentType,
	} {
		text(s)
	}
	signed := len(names)
	if _, ok := m.Extensions[signatureAttribute]; ok {
		signed--
	}
	form = binary.AppendUvarint(form, uint64(signed))
	for _, name := range names {
		if name != signatureAttribute {
			text(name)
			text(m.Extensions[name])
		}
	}
	digest := sha256.Sum256(m.Data)
	return append(form, digest[:]...)
}
