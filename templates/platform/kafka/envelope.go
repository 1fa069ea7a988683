package kafka

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

const (
	prefix      = "ce_"
	contentType = "content-type"
	traceparent = "traceparent"
	tracestate  = "tracestate"

	logAppendTime = 1 // kgo.RecordAttrs.TimestampType of a record whose time is the broker's
)

var (
	specVersion     = []byte(event.SpecVersion)
	dataContentType = []byte(event.DataContentType)
)

// toRecord maps a message to a record. The trace context also goes under its W3C names, for tools that know nothing
// of CloudEvents.
func toRecord(m event.Message) *kgo.Record {
	r := &kgo.Record{Topic: m.Topic, Value: m.Data, Timestamp: m.Time}
	size := len(m.Key) + len(m.ID) + len(m.Source) + len(m.Type) + len(m.Subject) + len(time.RFC3339Nano)
	for _, v := range m.Extensions {
		size += len(v)
	}
	buf := make([]byte, 0, size) // one for all values: allocations are most of what a record costs
	bytes := func(v string) []byte {
		n := len(buf)
		buf = append(buf, v...)
		return buf[n:len(buf):len(buf)]
	}
	if m.Key != "" {
		r.Key = bytes(m.Key) // no key, no order: any partition will do
	}
	hs := make([]kgo.RecordHeader, 0, 7+2*len(m.Extensions))
	hs = append(hs,
		kgo.RecordHeader{Key: "ce_specversion", Value: specVersion},
		kgo.RecordHeader{Key: "ce_id", Value: bytes(m.ID)},
		kgo.RecordHeader{Key: "ce_source", Value: bytes(m.Source)},
		kgo.RecordHeader{Key: "ce_type", Value: bytes(m.Type)},
	)
	switch m.Subject {
	case "":
	case m.Key:
		hs = append(hs, kgo.RecordHeader{Key: "ce_subject", Value: r.Key})
	default:
		hs = append(hs, kgo.RecordHeader{Key: "ce_subject", Value: bytes(m.Subject)})
	}
	n := len(buf)
	buf = m.Time.UTC().AppendFormat(buf, time.RFC3339Nano)
	hs = append(hs,
		kgo.RecordHeader{Key: "ce_time", Value: buf[n:len(buf):len(buf)]},
		kgo.RecordHeader{Key: contentType, Value: dataContentType},
	)
	names := make([]string, 0, 8) // on the stack, as a rule
	for name := range m.Extensions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := bytes(m.Extensions[name])
		switch name {
		case traceparent:
			hs = append(hs, kgo.RecordHeader{Key: prefix + traceparent, Value: v}, kgo.RecordHeader{Key: traceparent, Value: v})
		case tracestate:
			hs = append(hs, kgo.RecordHeader{Key: prefix + tracestate, Value: v}, kgo.RecordHeader{Key: tracestate, Value: v})
		default:
			hs = append(hs, kgo.RecordHeader{Key: prefix + name, Value: v})
		}
	}
	r.Headers = hs
	return r
}

// fromRecord maps a record to a message. One that is no CloudEvent becomes a message of event.TypeMalformed with the
// record's coordinates for an id and its value for data, so that the inbox can park it.
func fromRecord(r *kgo.Record) event.Message {
	m := event.Message{
		Topic: r.Topic, Key: string(r.Key), Data: r.Value, Time: r.Timestamp.UTC(),
		Partition: r.Partition, Offset: r.Offset, Extensions: map[string]string{},
	}
	if r.Attrs.TimestampType() == logAppendTime {
		m.Appended = m.Time
	}
	var version, w3cParent, w3cState string
	for _, h := range r.Headers {
		v := string(h.Value)
		switch name := strings.ToLower(h.Key); name {
		case "ce_specversion":
			version = v
		case "ce_id":
			m.ID = v
		case "ce_source":
			m.Source = v
		case "ce_type":
			m.Type = v
		case "ce_subject":
			m.Subject = v
		case "ce_time":
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				m.Time = at.UTC()
			}
		case traceparent:
			w3cParent = v
		case tracestate:
			w3cState = v
		default:
			if ext, ok := strings.CutPrefix(name, prefix); ok && ext != "" {
				m.Extensions[ext] = v
			}
		}
	}
	// The W3C header wins where there is one: it is what intermediaries update.
	if w3cParent != "" {
		m.Extensions[traceparent] = w3cParent
		if w3cState != "" {
			m.Extensions[tracestate] = w3cState
		}
	}
	if m.ID == "" || m.Source == "" || m.Type == "" || !strings.HasPrefix(version, "1.") {
		m.ID = fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
		m.Source = "kafka:" + r.Topic
		m.Type = event.TypeMalformed
	}
	return m
}
