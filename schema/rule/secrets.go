package rule

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/source"
)

// secretForm is a form of secret that its issuer made to be recognised.
type secretForm struct {
	what   string
	prefix string
	// length is how many more characters of the alphabet follow, at least.
	length   int
	alphabet string
}

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	alnum = upper + "abcdefghijklmnopqrstuvwxyz"
	wide  = alnum + "_-"
)

var secretForms = []secretForm{
	{"a key of Amazon Web Services", "AKIA", 16, upper},
	{"a key of Amazon Web Services", "ASIA", 16, upper},
	{"a key of Google Cloud", "AIza", 35, wide},
	{"a token of GitHub", "ghp_", 36, alnum},
	{"a token of GitHub", "gho_", 36, alnum},
	{"a token of GitHub", "ghs_", 36, alnum},
	{"a token of GitHub", "github_pat_", 22, wide},
	{"a token of GitLab", "glpat-", 20, wide},
	{"a token of Slack", "xoxb-", 20, wide},
	{"a token of Slack", "xoxp-", 20, wide},
	{"a key of Stripe", "sk_live_", 16, alnum},
	{"a key of Stripe", "rk_live_", 16, alnum},
	{"a JSON Web Token", "eyJ", 20, wide + "."},
}

// literalSecret looks for secrets in all of the text, comments too: what is committed once is known to everybody who can read the history.
func literalSecret(s *schema.Spec, report Report) {
	if s.File == nil {
		return
	}
	content := s.File.Content
	var paths *keyPaths // made when there is something to say
	add := func(from, to int, what string) {
		at := s.File.PosAt(from)
		span := source.Span{File: s.File, Start: at, End: s.File.PosAt(to)}
		if s.Gateway != nil && s.Gateway.JWT != nil && s.Gateway.JWT.JWKS.Span.Start.Line == at.Line && s.Gateway.JWT.JWKS.Set && what == password {
			return // MSG405 speaks of it
		}
		if paths == nil {
			paths = newKeyPaths(s.File)
		}
		s.File.Conceal(span) // reports go where the spec may not
		report.add(finding{
			path: paths.path(at.Line), span: span, message: fmt.Sprintf("the spec holds %s", what),
			help: "revoke it, and hand its successor to the process by its environment, from a secret",
		})
	}
	for i := range secretForms {
		form := &secretForms[i]
		each(content, form.prefix, func(at int) {
			end := at + len(form.prefix)
			for end < len(content) && strings.IndexByte(form.alphabet, content[end]) >= 0 {
				end++
			}
			text := string(content[at:end])
			starts := at == 0 || strings.IndexByte(wide, content[at-1]) < 0
			if starts && end-at >= len(form.prefix)+form.length && (form.prefix != "eyJ" || strings.Count(text, ".eyJ") == 1) {
				add(at, end, form.what)
			}
		})
	}
	each(content, "PRIVATE KEY-----", func(at int) {
		line := bytes.LastIndexByte(content[:at], '\n') + 1
		if begin := bytes.LastIndex(content[line:at], []byte("-----BEGIN ")); begin >= 0 {
			add(line+begin, at+len("PRIVATE KEY-----"), "a private key")
		}
	})
	each(content, "@", func(at int) {
		if from := userinfo(content[:at]); from >= 0 {
			add(from, at, password)
		}
	})
}

const password = "the password of a URL"

// each calls f with every place of a text.
func each(content []byte, text string, f func(at int)) {
	needle := []byte(text)
	for from := 0; ; {
		i := bytes.Index(content[from:], needle)
		if i < 0 {
			return
		}
		f(from + i)
		from += i + len(needle)
	}
}

// userinfo is where the URL begins whose user and password end a text: postgres://user:password; -1 when there is none. References such as
// ${PASSWORD} are no passwords.
func userinfo(text []byte) int {
	const most = 256 // no URL is looked for farther back, so that a line of @ costs little
	text, cut := text[max(0, len(text)-most):], max(0, len(text)-most)
	scheme := bytes.LastIndex(text, []byte("://"))
	if scheme < 0 {
		return -1
	}
	user, word, ok := strings.Cut(string(text[scheme+3:]), ":")
	if !ok || word == "" || strings.ContainsAny(user+word, "/ \t\r\n\"'<>{}$*") {
		return -1
	}
	begin := scheme
	for begin > 0 && strings.IndexByte(alnum+"+.-", text[begin-1]) >= 0 {
		begin--
	}
	if begin == scheme {
		return -1
	}
	return cut + begin
}

// keyPaths are the logical paths of the lines of a file.
type keyPaths struct {
	keys []string
	// parent is for each line, from 1, the line of the key that it stands below; 0 at the top.
	parent []int
}

func newKeyPaths(file *source.File) *keyPaths {
	p := &keyPaths{make([]string, file.Lines()+1), make([]int, file.Lines()+1)}
	type open struct{ line, indent int }
	var above []open
	for n := 1; n <= file.Lines(); n++ {
		text := file.Line(n)
		rest := strings.TrimLeft(text, " ")
		key, _, ok := strings.Cut(rest, ":")
		ok = ok && key != "" && !strings.ContainsAny(key, " #\"'{}[],")
		indent := len(text) - len(rest)
		for ok && len(above) > 0 && above[len(above)-1].indent >= indent {
			above = above[:len(above)-1]
		}
		if len(above) > 0 {
			p.parent[n] = above[len(above)-1].line
		}
		if ok {
			p.keys[n] = key
			above = append(above, open{n, indent})
		}
	}
	return p
}

// path is the path of a line: its own key and the keys that it stands below; "spec" when there are none.
func (p *keyPaths) path(line int) string {
	var keys []string
	for n := line; n > 0; n = p.parent[n] {
		if p.keys[n] != "" {
			keys = append(keys, p.keys[n])
		}
	}
	if len(keys) == 0 {
		return "spec"
	}
	slices.Reverse(keys)
	return strings.Join(keys, ".")
}
