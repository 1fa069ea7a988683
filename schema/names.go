package schema

import (
	"fmt"
	"go/token"
	"regexp"
	"strings"
	"unicode"
)

// nameKind is a kind of name: its form and the words it must not be.
type nameKind struct {
	article  string // "a service"
	plural   string // "services"
	form     string // "small letters, digits and single dashes"
	pattern  *regexp.Regexp
	max      int
	reserved func(name string) string // why the name is taken; "" when it is free
	suggest  func(name string) string
}

const (
	kebabPattern  = `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	pascalPattern = `^[A-Z][A-Za-z0-9]*$`
	snakePattern  = `^[a-z][a-z0-9]*(_[a-z0-9]+)*$`
)

var (
	kebabForm  = regexp.MustCompile(kebabPattern)
	pascalForm = regexp.MustCompile(pascalPattern)
	snakeForm  = regexp.MustCompile(snakePattern)
)

// The kinds of names.
var (
	systemName  = kebab("a system", "systems", "system", reservedSystem)
	serviceName = kebab("a service", "services", "service", reservedService)
	sagaName    = kebab("a saga", "sagas", "saga", reservedGo)
	policyName  = kebab("a resilience policy", "resilience policies", "policy", reservedGo)

	aggregateName = pascal("an aggregate", "aggregates")
	typeName      = pascal("a type", "types")
	eventName     = pascal("an event", "events")
	methodName    = pascal("a method", "methods")
	viewName      = pascal("a view", "views")

	fieldName = snake("a field", "fields", reservedField)
	stateName = snake("a state", "states", func(s string) string {
		if s == "unspecified" {
			return "the contracts use it for a value that was not given"
		}
		return ""
	})
	enumValueName = snake("an enum value", "enum values", stateName.reserved)

	scopeName = nameKind{
		article: "a scope", plural: "scopes", form: "letters, digits and `.`, `:`, `_`, `-`, `/`", max: 100,
		pattern:  regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]*$`),
		reserved: free, suggest: func(string) string { return "orders.write" },
	}
)

func free(string) string { return "" }

func kebab(article, plural, noun string, reserved func(string) string) nameKind {
	return nameKind{
		article: article, plural: plural, form: "small letters, digits and single dashes", max: 40,
		pattern: kebabForm, reserved: reserved,
		suggest: func(s string) string {
			words := splitWords(s)
			if len(words) == 0 {
				words = []string{"my"}
			}
			name := clip(strings.Join(words, "-"), 40)
			if s == name || reserved(name) != "" || name == "my" {
				name = clip(name, 40-len(noun)-1) + "-" + noun
			}
			return name
		},
	}
}

func pascal(article, plural string) nameKind {
	return nameKind{
		article: article, plural: plural, form: "PascalCase: a capital letter, then letters and digits", max: 50,
		pattern: pascalForm, reserved: reservedPascal,
		suggest: func(s string) string {
			var b strings.Builder
			for _, w := range splitWords(s) {
				b.WriteString(strings.ToUpper(w[:1]) + w[1:])
			}
			name := clip(b.String(), 50)
			if name == "" {
				return "MyName"
			}
			if s == name || reservedPascal(name) != "" {
				name = clip(name, 46) + "Item"
			}
			return name
		},
	}
}

func snake(article, plural string, reserved func(string) string) nameKind {
	return nameKind{
		article: article, plural: plural, form: "lower_snake_case: small letters, digits and single underscores", max: 50,
		pattern: snakeForm, reserved: reserved,
		suggest: func(s string) string {
			name := clip(strings.Join(splitWords(s), "_"), 50)
			if name == "" {
				return "my_field"
			}
			if s == name || reserved(name) != "" {
				name = clip(name, 44) + "_value"
			}
			return name
		},
	}
}

// check is nil when the name is good; otherwise it says what is wrong and proposes one.
func (k nameKind) check(name string) error {
	switch {
	case !k.pattern.MatchString(name):
		return problemf(fmt.Sprintf("use %s, such as %s", k.form, k.suggest(name)), "%q is no name for %s", name, k.article)
	case len(name) > k.max:
		return problemf("such as "+k.suggest(name), "%q is longer than %d characters, the most for the name of %s", name, k.max, k.article)
	}
	if why := k.reserved(name); why != "" {
		return problemf("such as "+k.suggest(name), "%q cannot be the name of %s: %s", name, k.article, why)
	}
	return nil
}

func (k nameKind) shape() shape {
	return shape{"type": "string", "pattern": k.pattern.String(), "maxLength": k.max}
}

// CheckSystemName says what is wrong with a system's name; the error names a better one. Nil when it is good.
func CheckSystemName(name string) error { return inOne(systemName.check(name)) }

// reservedGo holds what no folder or package of the generated system may be called.
func reservedGo(name string) string {
	if token.IsKeyword(name) {
		return "it is a keyword of Go"
	}
	switch name {
	case "internal", "vendor", "testdata", "main", "init":
		return "it means something else to the Go tool"
	case "any", "bool", "byte", "cap", "clear", "close", "complex", "copy", "delete", "error", "false", "imag", "iota", "len",
		"make", "max", "min", "new", "nil", "panic", "print", "println", "real", "recover", "rune", "string", "true", "uint", "int", "null":
		return "it is predeclared in Go or YAML"
	}
	return ""
}

func reservedSystem(name string) string {
	switch name {
	case "google", "buf":
		return "its protobuf packages would hide those of " + name
	}
	return reservedGo(name)
}

func reservedService(name string) string {
	switch name {
	case "events", "gateway", "platform", "api", "deploy", "services", "gen":
		return "the generated system has a part of that name"
	case "postgres", "kafka", "jaeger", "prometheus", "grafana", "migrate", "certs":
		return "the deployment runs a component of that name"
	}
	return reservedSystem(name)
}

// reservedPascal holds what protoc-gen-go and protoc-gen-go-grpc would collide with, and file names that the Go tool reads as build
// constraints.
func reservedPascal(name string) string {
	switch name {
	case "State", "Service", "Server", "Client", "Request", "Response", "Message", "Error", "String", "Reset", "Descriptor",
		"ProtoMessage", "ProtoReflect", "Marshal", "Unmarshal", "Close", "Tx", "Main":
		return "the generated code declares it"
	}
	words := splitWords(name)
	last := words[len(words)-1]
	if len(words) == 1 {
		return ""
	}
	switch last {
	case "test":
		return "its file would end in _test.go and be left out of the build"
	case "aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux", "netbsd", "openbsd", "plan9", "solaris",
		"wasip1", "windows", "386", "amd64", "arm", "arm64", "loong64", "mips", "ppc64", "riscv64", "s390x", "sparc64", "wasm", "unix", "zos", "hurd", "nacl":
		return "its file would end in _" + last + ".go and be built only there"
	}
	return ""
}

// reservedField holds the names whose Go accessors collide with methods of every generated message.
func reservedField(name string) string {
	switch name {
	case "reset", "string", "proto_message", "proto_reflect", "descriptor", "marshal", "unmarshal", "extension_range_array", "extension_map":
		return "every generated message has a method of that name"
	}
	return ""
}

// reservedResource holds the fields that msgen itself adds to aggregates and to the requests about them.
func reservedResource(name string) string {
	switch name {
	case "id":
		return "msgen adds it as the key"
	case "state":
		return "msgen adds it for `states`"
	case "etag", "create_time", "update_time", "version":
		return "msgen adds it to every aggregate"
	case "request_id", "page_size", "page_token", "next_page_token", "update_mask":
		return "msgen adds it to the requests of standard methods"
	}
	return ""
}

// splitWords breaks a name of any form into small-letter words of letters and digits; a leading word never starts with a digit.
func splitWords(s string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = nil
		}
	}
	runes := []rune(s)
	for i, r := range runes {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			flush()
		}
		if len(words) == 0 && len(word) == 0 && unicode.IsDigit(r) {
			continue
		}
		word = append(word, r)
	}
	flush()
	return words
}

// clip cuts a name to a length without leaving a separator at its end.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.TrimRight(s, "-_")
}
