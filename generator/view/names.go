package view

import (
	"strings"
)

// Pascal is a kebab-case or snake_case name in PascalCase.
func Pascal(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// GoName is a proto name as protoc-gen-go writes it in Go: an underscore before a small letter is dropped and the letter made a capital.
// See GoCamelCase in google.golang.org/protobuf/internal/strs.
func GoName(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && i+1 < len(s) && isLower(s[i+1]):
		case c == '.':
			b = append(b, '_')
		case c == '_' && (i == 0 || s[i-1] == '.'):
			b = append(b, 'X')
		case c == '_' && i+1 < len(s) && isLower(s[i+1]):
		case c >= '0' && c <= '9':
			b = append(b, c)
		default:
			if isLower(c) {
				c -= 'a' - 'A'
			}
			b = append(b, c)
			for ; i+1 < len(s) && isLower(s[i+1]); i++ {
				b = append(b, s[i+1])
			}
		}
	}
	return string(b)
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// JSONName is a proto field's name in JSON.
func JSONName(s string) string {
	var b []byte
	upper := false
	for i := range len(s) {
		if s[i] == '_' {
			upper = true
			continue
		}
		c := s[i]
		if upper && isLower(c) {
			c -= 'a' - 'A'
		}
		upper = false
		b = append(b, c)
	}
	return string(b)
}

// goReserved are names that a Go variable of generated code must not have: keywords, predeclared names that the code uses, packages and
// the templates' own variables.
var goReserved = words(`
	break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select
	struct switch type var
	any append bool byte cap clear close comparable complex complex64 complex128 copy delete error false float32 float64 imag int int8 int16
	int32 int64 iota len make max min new nil panic print println real recover rune string true uint uint8 uint16 uint32 uint64 uintptr
	bufconn cache codes column context durationpb embed emptypb errors etag event eventstore fieldmaskpb fmt fs gateway gen gentest grpc idempotency inbox insecure
	internal jwks kafka kv linktest localca mask messaging money mtls net os outbox page pgconn pgtest pgx pgxpool postgres projection prometheus proto protovalidate redistest resilience rpc
	saga sample service servicetest shard signing slog status strings stuck telemetry testing time timestamppb token uuid
	after again apply bound call change forget key client cmd conn ctx deps e err from got handlers id in item limit main message migrations next pool
	query r redis req res row rows run s sent server setup size source start store stored t tag times tx update version want where`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// Var is a PascalCase name as a Go variable that shadows nothing.
func Var(name string) string {
	v := Lower(name)
	if goReserved[v] {
		return v + "Value"
	}
	return v
}

// migrationSet is the name under which a service's database remembers the service's own migrations; the platform's have theirs there, too.
func migrationSet(service string) string {
	switch service {
	case "idempotency", "outbox", "eventstore", "inbox", "saga", "shards", "stuck":
		return service + "_service"
	}
	return service
}
