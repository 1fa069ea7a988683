package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// binding fills a request message from the parts of an HTTP request, as google.api.http does: the body first, then the
// path, and the query for the fields that neither of them gives.
type binding struct {
	whole     bool // the body is the whole message
	body      protoreflect.FieldDescriptor
	mask      protoreflect.FieldDescriptor
	requestID protoreflect.FieldDescriptor
	params    []param
}

// param is a path parameter and the field it fills.
type param struct {
	name string
	path fieldPath
}

// newBinding checks the route against the message.
func newBinding(r Route, md protoreflect.MessageDescriptor) (*binding, error) {
	b := &binding{whole: r.Body == "*"}
	if r.Body != "" && !b.whole {
		b.body = md.Fields().ByName(protoreflect.Name(r.Body))
		if b.body == nil || b.body.Message() == nil || b.body.IsList() || b.body.IsMap() {
			return nil, fmt.Errorf("body %q is no message field of %s", r.Body, md.FullName())
		}
	}
	if r.Mask != "" {
		b.mask = md.Fields().ByName(protoreflect.Name(r.Mask))
		if b.mask == nil || b.mask.Message() == nil || b.mask.Message().FullName() != "google.protobuf.FieldMask" || b.mask.IsList() {
			return nil, fmt.Errorf("mask %q is no google.protobuf.FieldMask of %s", r.Mask, md.FullName())
		}
		if b.body == nil {
			return nil, errors.New("a mask needs a body that fills one field")
		}
	}
	if f := md.Fields().ByName("request_id"); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() {
		b.requestID = f
	}
	unused := maps.Clone(r.PathFields)
	for segment := range strings.SplitSeq(r.Path, "/") {
		if !strings.HasPrefix(segment, ":") {
			continue
		}
		name := segment[1:]
		field, ok := r.PathFields[name]
		if !ok {
			field = name
		}
		delete(unused, name)
		path, err := resolve(md, field)
		if err != nil {
			return nil, fmt.Errorf("path parameter %q: %w", name, err)
		}
		if leaf := path.leaf(); leaf.IsList() || leaf.Message() != nil {
			return nil, fmt.Errorf("path parameter %q: field %s is no scalar", name, field)
		}
		b.params = append(b.params, param{name: name, path: path})
	}
	for name := range unused {
		return nil, fmt.Errorf("path has no parameter %q", name)
	}
	return b, nil
}

// request fills m. Its errors are gRPC statuses that name the field.
func (b *binding) request(c *gin.Context, body []byte, m protoreflect.Message) error {
	if err := b.fromBody(body, m); err != nil {
		return err
	}
	for _, p := range b.params {
		text, err := url.PathUnescape(c.Param(p.name))
		if err != nil {
			return invalid(p.path.String(), "bad escape in the path")
		}
		if err := p.path.set(m, []string{text}); err != nil {
			return err
		}
	}
	if err := b.fromQuery(c.Request.URL.RawQuery, m); err != nil {
		return err
	}
	if key := c.GetHeader("Idempotency-Key"); key != "" && b.requestID != nil && m.Get(b.requestID).String() == "" {
		if !utf8.ValidString(key) {
			return invalid(string(b.requestID.Name()), "Idempotency-Key is not valid UTF-8")
		}
		m.Set(b.requestID, protoreflect.ValueOfString(key))
	}
	return nil
}

// bodyDepth is how deep messages may be nested in a body: the limit of protobuf's own parsers in C++ and Java.
const bodyDepth = 100

// fromBody takes an empty body as an empty message: whether something is missing is for the service to say.
func (b *binding) fromBody(body []byte, m protoreflect.Message) error {
	if len(body) == 0 {
		return nil
	}
	target := m
	if b.body != nil {
		target = m.Mutable(b.body).Message()
	}
	if err := (protojson.UnmarshalOptions{RecursionLimit: bodyDepth}).Unmarshal(body, target.Interface()); err != nil {
		return status.Error(codes.InvalidArgument, "the body does not fit: "+jsonFault(err))
	}
	if b.mask == nil {
		return nil
	}
	return b.fillMask(body, target, m)
}

// fillMask names the fields that the body has, so that a client changes just what it sends. Those in the path only say
// which resource it is.
func (b *binding) fillMask(body []byte, target, m protoreflect.Message) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil {
		return status.Error(codes.InvalidArgument, "the body is no JSON object")
	}
	mask := m.Mutable(b.mask).Message()
	paths := mask.Mutable(mask.Descriptor().Fields().ByName("paths")).List()
	for _, key := range slices.Sorted(maps.Keys(given)) {
		field := fieldNamed(target.Descriptor(), key)
		if field == nil {
			continue // protojson has refused unknown keys
		}
		inPath := slices.ContainsFunc(b.params, func(p param) bool {
			return len(p.path) == 2 && p.path[0] == b.body && p.path[1] == field
		})
		if !inPath {
			paths.Append(protoreflect.ValueOfString(string(field.Name())))
		}
	}
	return nil
}

// fromQuery fills what is left. Unknown and doubled parameters are refused: a misspelt filter must not return everything.
func (b *binding) fromQuery(raw string, m protoreflect.Message) error {
	if raw == "" {
		return nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return status.Error(codes.InvalidArgument, "the query is malformed")
	}
	seen := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(query)) {
		path, err := resolve(m.Descriptor(), name)
		if err != nil || b.whole {
			return invalid(name, "unknown query parameter")
		}
		full := path.String()
		if seen[full] { // page_size beside pageSize
			return invalid(full, "given more than once")
		}
		seen[full] = true
		if path[0] == b.body {
			return invalid(full, "belongs into the body")
		}
		if slices.ContainsFunc(b.params, func(p param) bool { return p.path.String() == full }) {
			return invalid(full, "is given by the path")
		}
		if path[0] == b.mask {
			m.Clear(b.mask) // the client's own mask instead of the one made of the body
		}
		if err := path.set(m, query[name]); err != nil {
			return err
		}
	}
	return nil
}

// jsonFault strips what protojson puts before its message; its texts vary in spaces on purpose.
func jsonFault(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return strings.TrimPrefix(text, "proto: ")
}
