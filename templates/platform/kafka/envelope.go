package kafka

import (
	"fmt"
	"maps"
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
)

// toRecord maps a message to a record. The trace context also goes under its W3C names, for tools that know nothing
// of CloudEvents.
func toRecord(m event.Message) *kgo.Record {
	r := &kgo.Record{Topic: m.Topic, Value: m.Data, Timestamp: m.Time}
	if m.Key != "" {
		r.Key = []byte(m.Key) // no key, no order: any partition will do
	}
	r.Headers = make([]kgo.RecordHeader, 0, 7+2*len(m.Extensions))
	add := func(key, value string) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	add("ce_specversion", event.SpecVersion)
	add("ce_id", m.ID)
	add("ce_source", m.Source)
	add("ce_type", m.Type)
	if m.Subject != "" {
		add("ce_subject", m.Subject)
	}
	add("ce_time", m.Time.UTC().Format(time.RFC3339Nano))
	add(contentType, event.DataContentType)
	if len(m.Extensions) == 0 {
		return r
	}
	for _, name := range slices.Sorted(maps.Keys(m.Extensions)) {
		add(prefix+name, m.Extensions[name])
		if name == traceparent || name == tracestate {
			add(name, m.Extensions[name])
		}
	}
	return r
}

// fromRecord maps a record to a message. One that is no CloudEvent becomes a message of event.TypeMalformed with the
// record's coordinates for an id and its value for data, so that the inbox can park it.
func fromRecord(r *kgo.Record) event.Message {
	m := event.Message{
		Topic: r.Topic, Key: string(r.Key), Data: r.Value, Time: r.Timestamp.UTC(),
		Partition: r.Partition, Offset: r.Offset, Extensions: map[string]string{},
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
