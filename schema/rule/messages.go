package rule

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// maxEvent is the size up to which every intermediary forwards an event, in bytes (CloudEvents, size limits).
const maxEvent = 64 << 10

// otherPages are fields by which requests bound an answer in other ways than AIP-158's: worse, but not without end.
var otherPages = []string{"page", "page_number", "offset", "limit", "size", "cursor"}

// listWithoutPages wants own methods that list something to do so in pages; those with `lists` do. A list with `maxLength` has an end.
func listWithoutPages(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		rest, lists := strings.CutPrefix(m.Name.V, "List")
		if kind, _ := m.Behaviour(); !lists || kind != "" || rest != "" && (rest[0] < 'A' || rest[0] > 'Z') {
			return
		}
		items := endless(m)
		if items == nil {
			return
		}
		size, token := schema.FieldNamed(m.Request, "page_size") != nil, schema.FieldNamed(m.Request, "page_token") != nil
		next := schema.FieldNamed(m.Response, "next_page_token") != nil
		f := finding{path: path + ".response", span: m.Name.Span, related: []diag.Label{label(items.Span, "without end")}}
		f.message = fmt.Sprintf("%s answers with all %s at once, however many there are", m.Name.V, items.Name.V)
		switch {
		case token && next:
			return
		case token:
			f.message = fmt.Sprintf("%s takes a page_token and never gives one", m.Name.V)
			f.help = "add `next_page_token` to the response"
		case next:
			f.message = fmt.Sprintf("%s gives a next_page_token and takes none", m.Name.V)
			f.help = "add `page_token` to the request"
		case size:
			f.message = fmt.Sprintf("%s has one page: whoever wants the next cannot ask for it", m.Name.V)
			f.help = "add `page_token` to the request, and `next_page_token` to the response"
		default:
			f.help = "add `page_size` and `page_token` to the request, and `next_page_token` to the response; or `maxLength` to the list when it stays short"
		}
		report.add(f)
	})
}

// endless is the first list of a method's response that nothing bounds; nil when there is none.
func endless(m *schema.Method) *schema.Field {
	for _, name := range otherPages {
		if schema.FieldNamed(m.Request, name) != nil {
			return nil
		}
	}
	for _, f := range m.Response {
		if f.Type.Kind == schema.KindList && f.MaxLength == nil {
			return f
		}
	}
	return nil
}

// largeEvent counts what the declared bounds allow: a character takes a byte at least. Fields without a bound say nothing, but for raw bytes,
// which are there to be large.
func largeEvent(s *schema.Spec, report Report) {
	for _, e := range s.Events {
		f := finding{path: "events." + e.Name.V + ".fields", help: "keep the large part in the sender's database, and send its id"}
		report.large(f, e.Name.V, e.Fields, label(e.Name.Span, "the event"))
	}
	for _, saga := range s.Sagas {
		if a := flowing(saga); a != nil {
			f := finding{path: "sagas." + saga.Name.V + ".coordination", help: "keep the large part in an aggregate of its own, or use `coordination: orchestration`"}
			report.large(f, "each event of "+saga.Name.V, a.Fields, label(saga.Coordination.Span, "its events carry the "+a.Name.V))
		}
	}
}

// large adds a finding when the fields of what travels are too large.
func (r Report) large(f finding, what string, fields []*schema.Field, related diag.Label) {
	total := 0
	var largest, blob *schema.Field
	for _, field := range fields {
		text := field.Type.Kind == schema.KindScalar && (field.Type.Name == "string" || field.Type.Name == "bytes")
		switch {
		case text && field.MaxLength != nil:
			total += field.MaxLength.V
			if largest == nil || field.MaxLength.V > largest.MaxLength.V {
				largest = field
			}
		case field.Type.Kind == schema.KindScalar && field.Type.Name == "bytes" && blob == nil:
			blob = field
		}
	}
	switch {
	case total > maxEvent:
		f.span, f.label = largest.MaxLength.Span, "the largest part"
		f.message = fmt.Sprintf("%s may carry %d bytes, more than the %d that every broker and gateway forwards", what, total, maxEvent)
		f.related = []diag.Label{related}
	case blob != nil:
		f.span, f.message = blob.Span, what+" carries raw bytes without a bound"
		f.help += ", or add `maxLength`"
		f.related = []diag.Label{label(blob.Name.Span, "the field")}
	default:
		return
	}
	r.add(f)
}
