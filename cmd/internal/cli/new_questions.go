package cli

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/templates"
)

// What a new system starts from, beside a spec of one's own.
const (
	minimal    = "minimal"
	shop       = "shop"
	ownService = "none" // a service that the answers describe
)

// described are the questions about the first service that add-service asks too. The others are about what only a system with other services has, or have
// defaults that one changes later.
var described = []string{"name", "responsibility", "owner", "aggregate", "database", "field", "state", "method", "access", "new-event", "pii"}

func (o *newOptions) newQuestions() []question {
	fromExample := func(tui.Answers) bool { return o.spec == "" }
	own := func(a tui.Answers) bool { return a.One("example") == ownService }
	questions := []question{
		{Question: tui.Question{
			Name: "name", Title: "What is the system called?", Kind: tui.Text, Hint: "shop",
			Help: "In kebab-case. It is the name of its folder and of its namespace.",
			Check: func(_ tui.Answers, values []string) error {
				if err := schema.CheckSystemName(values[0]); err != nil {
					return err
				}
				if o.dir != "" {
					return empty(o.dir)
				}
				return empty(values[0])
			},
		}, usage: "its name, in kebab-case", required: true},
		{Question: tui.Question{
			Name: "example", Title: "What does it start from?", Kind: tui.Choice, When: fromExample,
			Options: func(tui.Answers) []tui.Option {
				return []tui.Option{
					{Value: minimal, Help: "two services and one event"},
					{Value: shop, Help: "calls, a saga, views, policies"},
					{Value: ownService, Help: "your own service, described next"},
				}
			},
			Default: constant(minimal),
		}, usage: "the example to start from: minimal, shop, or none for a service that the other flags describe (default minimal)"},
		{Question: tui.Question{
			Name: "module", Title: "What is its Go module path?", Kind: tui.Text, Hint: "the spec's",
			Help:  "Where its code will be found.",
			Check: unlessEmpty(func(_ tui.Answers, values []string) error { return schema.CheckModule(values[0]) }),
			Default: func(a tui.Answers) []string {
				if o.spec != "" || a.One("name") == "" {
					return nil
				}
				return []string{"example.com/" + a.One("name")}
			},
		}, usage: "the Go module path (default the spec's, or example.com/NAME)"},
	}
	first := &adding{form: form{IO: o.IO}, spec: &schema.Spec{}}
	for _, q := range first.serviceQuestions() {
		if !slices.Contains(described, q.Name) {
			continue
		}
		if q.Name == "name" {
			q.Name, q.usage = "service", "the first service's name, in kebab-case"
		}
		when := q.When
		q.When = func(a tui.Answers) bool { return own(a) && (when == nil || when(a)) }
		if also := strings.TrimPrefix(q.needs, "needs "); also != "" {
			q.needs = "needs --example none and " + also
		} else {
			q.needs = "needs --example none"
		}
		questions = append(questions, q)
	}
	tokens := func(a tui.Answers) bool { return own(a) && exposed(a) }
	return append(questions,
		question{Question: tui.Question{
			Name: "issuer", Title: "Who issues the tokens of clients?", Kind: tui.Text, When: tokens, Check: each(schema.FormText),
			Help: "The gateway takes tokens of this issuer (iss) only.", Default: constant("https://id.example.com"),
		}, usage: "the issuer of clients' tokens (default https://id.example.com)", required: true, needs: exposedOnly},
		question{Question: tui.Question{
			Name: "audience", Title: "For whom are they?", Kind: tui.Text, When: tokens, Check: each(schema.FormText),
			Help: "The audience (aud) that a token must name.", Default: func(a tui.Answers) []string { return []string{a.One("name")} },
		}, usage: "the audience of clients' tokens (default NAME)", required: true, needs: exposedOnly},
		question{Question: tui.Question{
			Name: "jwks", Title: "Where are the issuer's keys?", Kind: tui.Text, When: tokens, Check: each(schema.FormURL),
			Default: func(a tui.Answers) []string {
				return []string{strings.TrimSuffix(a.One("issuer"), "/") + "/.well-known/jwks.json"}
			},
		}, usage: "the URL of the issuer's keys (default ISSUER/.well-known/jwks.json)", required: true, needs: exposedOnly},
	)
}

const exposedOnly = "needs --example none and --access token or public"

// open reports that a person is there to ask, and something that is worth asking: a name and what to start from are enough.
func (o *newOptions) open(given tui.Answers) bool {
	if !o.CanPrompt() || o.yes {
		return false
	}
	return len(given["name"]) == 0 || o.spec == "" && len(given["example"]) == 0 || o.complete(o.defaults(given)) != nil
}

// preview is the spec that the answers so far make, and what the rules say of it.
func (o *newOptions) preview(answers tui.Answers) tui.Preview {
	p := tui.Preview{Title: specName}
	if answers.One("name") == "" || o.spec == "" && answers.One("example") == "" || answers.One("example") == ownService && answers.One("service") == "" {
		return p
	}
	_, content, err := o.source(o.defaults(answers))
	if err != nil {
		p.Findings = []tui.Finding{{Severity: tui.Error, Text: err.Error()}}
		return p
	}
	_, list := check(specName, content)
	p.Diff, p.Findings = edit.Diff(specName, nil, content), shown(list)
	return p
}

// source is the text of the new system's spec.
func (o *newOptions) source(answers tui.Answers) (name string, content []byte, err error) {
	system, module := answers.One("name"), answers.One("module")
	if o.spec != "" {
		if name, content, err = readSpec(o.IO, o.spec); err != nil {
			return "", nil, err
		}
		if module != "" {
			content = setKey(content, "module", module)
		}
		return name, content, nil
	}
	if module == "" {
		module = "example.com/" + system
	}
	if example := answers.One("example"); example != ownService {
		content, err = fs.ReadFile(templates.FS, path.Join("examples", example+".yaml"))
		if err != nil {
			return "", nil, err
		}
		return example + ".yaml", setKey(setKey(content, "system", system), "module", module), nil
	}
	content, err = describe(system, module, answers)
	return specName, content, err
}

// describe is the text of a spec with the one service that the answers describe.
func describe(system, module string, a tui.Answers) ([]byte, error) {
	text := fmt.Sprintf("# yaml-language-server: $schema=msgen.schema.json\napiVersion: %s\nsystem: %s\nmodule: %s\n\nservices: {}\n", schema.Version, system, module)
	doc, err := edit.Parse(specName, []byte(text))
	if err != nil {
		return nil, err
	}
	spec, _ := schema.Load(specName, []byte(text))
	if err := describedService(a.One("service"), a).AddTo(spec, doc); err != nil {
		return nil, err
	}
	if exposed(a) {
		gateway := add.Gateway{Issuer: a.One("issuer"), Audience: a.One("audience"), JWKS: a.One("jwks")}
		if err := gateway.AddTo(spec, doc); err != nil {
			return nil, err
		}
	}
	return doc.Content(), nil
}

// setKey sets a top-level key of a spec's text and leaves everything else as it is. A missing key comes after system.
func setKey(content []byte, key, value string) []byte {
	line := regexp.MustCompile(`(?m)^` + key + `:[^#\r\n]*`)
	text := key + ": " + value
	if loc := line.FindIndex(content); loc != nil {
		old := string(content[loc[0]:loc[1]])
		text += old[len(strings.TrimRight(old, " ")):]
		return append(append(append([]byte{}, content[:loc[0]]...), text...), content[loc[1]:]...)
	}
	after := regexp.MustCompile(`(?m)^system:.*$`).FindIndex(content)
	if after == nil {
		return append([]byte(text+"\n"), content...)
	}
	return append(append(append([]byte{}, content[:after[1]]...), "\n"+text...), content[after[1]:]...)
}
