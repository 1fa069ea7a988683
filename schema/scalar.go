package schema

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalar is a kind of single value: how it is read and its JSON Schema.
type scalar[V any] struct {
	want   string // "a duration such as 3s", for messages
	plural string // "durations"
	shape  shape
	tag    string // the YAML tag it must have; "" for any number, anyTag for text or a number
	parse  func(text string) (V, error)
}

// anyTag accepts text and numbers: `cpu: 1` and `cpu: 100m` are both quantities.
const anyTag = "any"

// decode reads one value; ok is false, and an error recorded, when it is none.
func (s scalar[V]) decode(d *decoder, n *yaml.Node, at place) (Value[V], bool) {
	value := d.resolveAlias(n)
	if value.Kind != yaml.ScalarNode || !s.accepts(value) {
		help := ""
		_, free := s.shape["minLength"]
		if value.Kind == yaml.ScalarNode && free && value.ShortTag() != "!!null" {
			help = fmt.Sprintf("if it is meant as text, quote it: %q", value.Value)
		}
		p := problemf(help, "expected %s, found %s", s.want, describe(value))
		if s.tag == "!!bool" {
			p.wrong, p.right = value.Value, oldBooleans[strings.ToLower(value.Value)]
		}
		d.fail(at.path, d.spanOr(n, at), p)
		return Value[V]{}, false
	}
	v, err := s.parse(value.Value)
	if err != nil {
		d.fail(at.path, spanOf(d.file, n), err)
		return Value[V]{}, false
	}
	return Value[V]{V: v, Span: spanOf(d.file, n), Set: true}, true
}

func (s scalar[V]) accepts(n *yaml.Node) bool {
	tag := n.ShortTag()
	isNumber := tag == "!!int" || tag == "!!float"
	switch s.tag {
	case "":
		return isNumber
	case anyTag:
		return isNumber || tag == "!!str"
	}
	return tag == s.tag
}

// text is any text but an empty one.
func text(want string) scalar[string] {
	return scalar[string]{
		want: want, plural: "texts", tag: "!!str", shape: shape{"type": "string", "minLength": 1},
		parse: func(s string) (string, error) {
			if strings.TrimSpace(s) == "" {
				return "", problemf("", "expected %s, found an empty text", want)
			}
			return s, nil
		},
	}
}

// ident is a name of a kind.
func ident(kind nameKind) scalar[string] {
	return scalar[string]{
		want: kind.article + " name", plural: kind.plural, tag: "!!str", shape: kind.shape(),
		parse: func(s string) (string, error) {
			if err := kind.check(s); err != nil {
				return "", err
			}
			return s, nil
		},
	}
}

// reference is a name that refers to something: its form is not checked, since resolving it says more.
func reference(article, plural string, kind nameKind) scalar[string] {
	s := text("the name of " + article)
	s.plural, s.shape = plural, shape{"type": "string", "pattern": kind.pattern.String()}
	return s
}

// methodReference is service.Method.
func methodReference() scalar[string] {
	s := text("a method as service.Method")
	s.plural, s.shape = "methods", shape{"type": "string", "pattern": `^[a-z][a-z0-9-]*\.[A-Z][A-Za-z0-9]*$`}
	s.parse = func(t string) (string, error) {
		service, method, ok := strings.Cut(t, ".")
		if !ok || service == "" || method == "" || strings.Contains(method, ".") {
			return "", problemf("write orders.PlaceOrder, the service before the dot", "%q is no method of the form service.Method", t)
		}
		return t, nil
	}
	return s
}

// choice is one of some words.
func choice(words ...string) scalar[string] {
	want := "one of " + quoteList(words)
	if len(words) == 1 {
		want = words[0]
	}
	enum := make([]any, len(words))
	for i, w := range words {
		enum[i] = w
	}
	return scalar[string]{
		want: want, plural: "choices", tag: "!!str", shape: shape{"enum": enum},
		parse: func(s string) (string, error) {
			for _, w := range words {
				if s == w {
					return s, nil
				}
			}
			p := problemf("", "expected %s, found %q", want, s)
			if near := Nearest(s, words); near != "" {
				p.help = fmt.Sprintf("did you mean %q?", near)
			}
			p.wrong, p.right = s, Typo(s, words)
			return "", p
		},
	}
}

// oldBooleans are those of YAML 1.1, which are text since.
var oldBooleans = map[string]string{"yes": "true", "on": "true", "no": "false", "off": "false"}

func boolean() scalar[bool] {
	return scalar[bool]{want: "true or false", plural: "booleans", tag: "!!bool", shape: shape{"type": "boolean"},
		parse: func(s string) (bool, error) { return strings.EqualFold(s, "true"), nil }}
}

// integer is a whole number between two bounds, both included.
func integer(low, high int) scalar[int] {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	return scalar[int]{want: want, plural: "numbers", tag: "!!int", shape: shape{"type": "integer", "minimum": low, "maximum": high},
		parse: func(s string) (int, error) {
			v, err := strconv.ParseInt(s, 0, 64)
			if err != nil || v < int64(low) || v > int64(high) {
				return 0, problemf("", "expected %s, found %s", want, s)
			}
			return int(v), nil
		}}
}

// number is any finite number.
func number(want string, low, high float64) scalar[float64] {
	s := shape{"type": "number"}
	if !math.IsInf(low, 0) {
		s["minimum"], s["maximum"] = low, high
	}
	return scalar[float64]{want: want, plural: "numbers", shape: s,
		parse: func(s string) (float64, error) {
			v, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < low || v > high {
				return 0, problemf("", "expected %s, found %s", want, s)
			}
			return v, nil
		}}
}

const (
	percentPattern  = `^[0-9]{1,3}(\.[0-9]{1,6})?%$`
	intPercent      = `^[0-9]{1,3}%$`
	sizePattern     = `^[1-9][0-9]{0,8}(B|KB|MB|GB|KiB|MiB|GiB)$`
	cpuPattern      = `^([1-9][0-9]{0,5}m|[1-9][0-9]{0,3}(\.[0-9]{1,3})?|0\.[0-9]{1,3})$`
	quantityPattern = `^[1-9][0-9]{0,8}(Ki|Mi|Gi|K|M|G)$`
	routePattern    = `^(GET|POST|PUT|PATCH|DELETE) (/([A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}))+$`
	originPattern   = `^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$`
)

var (
	intPercentForm = regexp.MustCompile(intPercent)
	percentForm    = regexp.MustCompile(percentPattern)
	sizeForm       = regexp.MustCompile(sizePattern)
	routeForm      = regexp.MustCompile(routePattern)
	originForm     = regexp.MustCompile(originPattern)
)

// wholePercent is 1% to 100%, as a number of percent.
func wholePercent() scalar[int] {
	form := intPercentForm
	return scalar[int]{want: "a whole percentage such as 50%", plural: "percentages", tag: "!!str", shape: shape{"type": "string", "pattern": intPercent},
		parse: func(s string) (int, error) {
			n, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
			if !form.MatchString(s) || err != nil || n < 1 || n > 100 {
				return 0, problemf("write a whole number from 1% to 100%", "%q is no percentage", s)
			}
			return n, nil
		}}
}

// ratio is a percentage between 0 and 100, both excluded, as a ratio.
func ratio() scalar[float64] {
	form := percentForm
	return scalar[float64]{want: "a percentage such as 99.9%", plural: "percentages", tag: "!!str", shape: shape{"type": "string", "pattern": percentPattern},
		parse: func(s string) (float64, error) {
			digits := strings.TrimSuffix(s, "%")
			v, err := strconv.ParseFloat(digits, 64)
			if !form.MatchString(s) || err != nil || v <= 0 || v >= 100 {
				return 0, problemf("write a percentage between 0% and 100%: 99.9%", "%q is no objective that can be kept", s)
			}
			// 99.9/100 is 0.9990000000000001; going through the text gives 0.999.
			v, err = strconv.ParseFloat(digits+"e-2", 64)
			return v, err
		}}
}

// size is a number of bytes.
func size() scalar[int64] {
	form := sizeForm
	units := map[string]int64{"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
	return scalar[int64]{want: "a size such as 1MiB", plural: "sizes", tag: "!!str", shape: shape{"type": "string", "pattern": sizePattern},
		parse: func(s string) (int64, error) {
			if !form.MatchString(s) {
				return 0, problemf("write a whole number and a unit: 512KiB, 1MiB, 1MB", "%q is no size", s)
			}
			digits := strings.TrimRight(s, "KMGiB")
			n, err := strconv.ParseInt(digits, 10, 64)
			unit := units[s[len(digits):]]
			if err != nil || n > (1<<40)/unit {
				return 0, problemf("", "%s is larger than 1 TiB", s)
			}
			return n * unit, nil
		}}
}

// quantity is a Kubernetes quantity of a form.
func quantity(pattern, example string) scalar[string] {
	form := regexp.MustCompile(pattern)
	return scalar[string]{want: "a quantity such as " + example, plural: "quantities", shape: shape{"type": []any{"string", "number"}, "pattern": pattern}, tag: anyTag,
		parse: func(s string) (string, error) {
			if !form.MatchString(s) {
				return "", problemf("write it as Kubernetes does: "+example, "%q is no quantity such as %s", s, example)
			}
			return s, nil
		}}
}

// webURL is an absolute http or https URL.
func webURL() scalar[string] {
	return scalar[string]{want: "a URL", plural: "URLs", tag: "!!str", shape: shape{"type": "string", "pattern": "^https?://[^/]"},
		parse: func(s string) (string, error) {
			u, err := url.Parse(s)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(s, " \t\"'`\\") {
				return "", problemf("write an absolute one: https://id.example.com", "%q is no URL", s)
			}
			return s, nil
		}}
}

// origin is a CORS origin: scheme, host and port, or *.
func origin() scalar[string] {
	form := originForm
	return scalar[string]{want: "an origin such as https://shop.example.com", plural: "origins", tag: "!!str", shape: shape{"type": "string", "pattern": originPattern},
		parse: func(s string) (string, error) {
			if !form.MatchString(s) {
				return "", problemf("write scheme, host and port only: https://shop.example.com", "%q is no origin", s)
			}
			return s, nil
		}}
}

// pattern is a regular expression in RE2 syntax.
func pattern() scalar[string] {
	s := text("a regular expression")
	s.parse = func(t string) (string, error) {
		if _, err := regexp.Compile(t); err != nil {
			return "", problemf("use RE2 syntax: no look-around, no back references", "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return t, nil
	}
	return s
}

// route is an HTTP binding: a verb and a path with parameters.
func route() scalar[*HTTP] {
	form := routeForm
	var parse func(s string) (*HTTP, error)
	// becomes proposes a route, when it is one, in the place of another.
	becomes := func(p *problem, s, right string) *problem {
		if _, err := parse(right); err == nil {
			p.wrong, p.right = s, right
		}
		return p
	}
	parse = func(s string) (*HTTP, error) {
		verb, path, ok := strings.Cut(s, " ")
		switch {
		case !ok || path == "":
			return nil, problemf("write POST /v1/orders", "%q has no verb and path", s)
		case strings.ToUpper(verb) == verb && nearestVerb(verb) == "":
			return nil, problemf("use GET, POST, PUT, PATCH or DELETE", "unknown HTTP verb %q", verb)
		case nearestVerb(verb) != verb:
			return nil, becomes(problemf("write verbs in capitals", "unknown HTTP verb %q", verb), s, strings.ToUpper(verb)+" "+path)
		case !strings.HasPrefix(path, "/"):
			return nil, becomes(problemf("write "+verb+" /"+path, "the path %q does not start with a slash", path), s, verb+" /"+path)
		case strings.Contains(path, ":"):
			return nil, problemf("give the action a path of its own, such as /v1/orders/{id}/cancel", "the path %q has a custom verb after a colon", path)
		case !form.MatchString(s):
			return nil, problemf("use segments of letters, digits, `.`, `_`, `~`, `-`, and parameters such as {order_id}; no slash at the end", "%q is no path", path)
		}
		h := &HTTP{Verb: verb, Path: path}
		for _, segment := range strings.Split(path[1:], "/") {
			name, isParam := strings.CutPrefix(segment, "{")
			if !isParam {
				continue
			}
			name = strings.TrimSuffix(name, "}")
			for _, other := range h.Params {
				if other == name {
					return nil, problemf("give each parameter a name of its own", "the parameter {%s} stands twice in the path", name)
				}
			}
			h.Params = append(h.Params, name)
		}
		return h, nil
	}
	return scalar[*HTTP]{want: "a verb and a path such as GET /v1/orders/{id}", plural: "routes", tag: "!!str", shape: shape{"type": "string", "pattern": routePattern}, parse: parse}
}

func nearestVerb(s string) string {
	for _, v := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if strings.EqualFold(s, v) {
			return v
		}
	}
	return ""
}
