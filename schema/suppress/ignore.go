package suppress

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

const (
	mark      = "msgen:"
	directive = "ignore"
	form      = "write `# msgen:ignore MSG105 until=2027-01-31 -- reason`; until= may be left out"
)

// ignore is an ignore comment.
type ignore struct {
	comment schema.Comment
	rules   []*ignored
	until   string // 2027-01-31; "" when it has no end
	untilAt source.Span
	reason  string
	bad     diag.List // what is wrong with it; it hides nothing then
}

// ignored is a rule that a comment names.
type ignored struct {
	of   *ignore
	rule rule.Rule
	word word
	used bool // it hides something, or would if it had not expired
}

// word is a word of a comment and its column.
type word struct {
	text string
	col  int
}

// vocabulary is what an ignore comment may name.
type vocabulary struct {
	rules map[string]rule.Rule // by id and name in small letters, those on suppressions too
	names []string             // the ids and names of rules that can be ignored
}

func newVocabulary() *vocabulary {
	v := &vocabulary{rules: map[string]rule.Rule{}}
	for _, r := range rule.Every() {
		v.rules[strings.ToLower(r.ID)], v.rules[strings.ToLower(r.Name)] = r, r
		if r.Kind != rule.OfSuppressions {
			v.names = append(v.names, r.ID, r.Name)
		}
	}
	return v
}

func (v *vocabulary) rule(name string) (rule.Rule, bool) {
	r, ok := v.rules[strings.ToLower(name)]
	return r, ok
}

// readIgnores are the ignore comments of a file, in order, malformed ones too; none when it is no YAML file.
func (v *vocabulary) readIgnores(file *source.File) []*ignore {
	if !strings.HasSuffix(file.Name, ".yaml") && !strings.HasSuffix(file.Name, ".yml") && file.Name != "<stdin>" {
		return nil
	}
	var list []*ignore
	for _, c := range schema.Comments(file, mark) {
		if ig := v.parseIgnore(c); ig != nil {
			list = append(list, ig)
		}
	}
	return list
}

// parseIgnore reads a comment that begins with the mark; nil when it is not meant as an ignore.
func (v *vocabulary) parseIgnore(c schema.Comment) *ignore {
	words := split(c)
	ig := &ignore{comment: c}
	name := strings.TrimPrefix(words[0].text, mark)
	switch {
	case name == directive:
	case name == "" && len(words) > 1 && words[1].text == directive:
		gap := ig.span(word{"", words[0].col + utf8.RuneCountInString(mark)})
		gap.End.Col = words[1].col
		ig.malformed(ig.span(words[0]), "", "a blank inside msgen:ignore", form, &diag.Fix{Title: "remove the blank", Edits: []diag.Edit{{Span: gap}}})
		return ig
	case strings.HasPrefix(name, directive) || schema.Nearest(name, []string{directive}) != "":
		at := ig.span(word{name, words[0].col + utf8.RuneCountInString(mark)})
		ig.malformed(at, "", fmt.Sprintf("unknown comment %s%s", mark, name), form, replaceTypo(at, name, []string{directive}))
		return ig
	default:
		return nil
	}
	ig.parse(v, words[1:])
	return ig
}

func split(c schema.Comment) []word {
	var words []word
	col := c.Start.Col
	for rest := c.Text; rest != ""; {
		text := rest
		if i := strings.IndexAny(rest, " \t"); i >= 0 {
			text = rest[:i]
		}
		if text == "" { // a further blank
			rest = rest[1:]
			col++
			continue
		}
		words = append(words, word{text, col})
		rest = rest[len(text):]
		col += utf8.RuneCountInString(text)
	}
	return words
}

// parse reads what follows msgen:ignore.
func (ig *ignore) parse(v *vocabulary, words []word) {
	options, reason, separated := ig.cutReason(words)
	if len(reason) > 0 {
		ig.reason = string([]rune(ig.comment.Text)[reason[0].col-ig.comment.Start.Col:])
	}
	if !separated {
		var stray []word
		if options, stray = v.cutStray(options); len(stray) > 0 {
			at := ig.span(stray[0])
			at.End = ig.comment.Span.End
			insert := at
			insert.End = insert.Start
			ig.malformed(at, "no rule and no until=", "the reason has no -- before it", "put -- before the reason",
				&diag.Fix{Title: "put -- before the reason", Edits: []diag.Edit{{Span: insert, New: "-- "}}})
			separated, reason = true, stray
		}
	}
	for _, w := range atCommas(options) {
		if day, ok := strings.CutPrefix(w.text, "until="); ok {
			ig.parseUntil(w, day)
		} else {
			ig.parseRule(v, w)
		}
	}
	if len(ig.rules) == 0 && len(ig.bad) == 0 {
		ig.malformed(ig.comment.Span, "", "an ignore comment names no rule", form, nil)
	}
	if len(reason) == 0 {
		help := "say after -- why the finding is let pass, such as `-- the team is formed in January`"
		if separated {
			ig.malformed(ig.comment.Span, "", "an ignore comment has nothing after its --", help, nil)
		} else {
			ig.malformed(ig.comment.Span, "", "an ignore comment gives no reason", help, nil)
		}
	}
}

// atCommas parts words at commas, which may stand between rules.
func atCommas(words []word) []word {
	var list []word
	for _, w := range words {
		col := w.col
		for _, text := range strings.Split(w.text, ",") {
			if text != "" {
				list = append(list, word{text, col})
			}
			col += utf8.RuneCountInString(text) + 1
		}
	}
	return list
}

// cutReason parts the words before -- from those after it. A dash of another kind, or a -- that sticks to the reason, is reported and taken
// for one.
func (ig *ignore) cutReason(words []word) (options, reason []word, separated bool) {
	for i, w := range words {
		at := ig.span(w)
		switch {
		case w.text == "--":
			return words[:i], words[i+1:], true
		case strings.HasPrefix(w.text, "--"):
			at.End.Col = at.Start.Col + len("--")
			ig.malformed(at, "", "no blank after --", "put a blank on both sides of --",
				&diag.Fix{Title: "put a blank after --", Edits: []diag.Edit{{Span: at, New: "-- "}}})
			return words[:i], words[i:], true
		case w.text == "-" || w.text == "–" || w.text == "—":
			ig.malformed(at, "", fmt.Sprintf("%q before the reason", w.text), "write two dashes: --",
				&diag.Fix{Title: "write two dashes", Edits: []diag.Edit{{Span: at, New: "--"}}})
			return words[:i], words[i+1:], true
		}
	}
	return words, nil, false
}

var ruleLike = regexp.MustCompile(`(?i)^msg|^until|[=,]`)

// cutStray cuts off the words at the end that look like a reason whose -- was forgotten: none of them is near a rule or an option.
func (v *vocabulary) cutStray(words []word) (options, stray []word) {
	i := len(words)
	for i > 0 && !ruleLike.MatchString(words[i-1].text) && schema.Nearest(words[i-1].text, v.names) == "" {
		if _, ok := v.rule(words[i-1].text); ok {
			break
		}
		i--
	}
	if i == 0 {
		return words, nil // no rule at all: each word is reported
	}
	return words[:i], words[i:]
}

func (ig *ignore) parseUntil(w word, day string) {
	at := ig.span(w)
	if day != "" {
		at.Start.Col += len("until=")
	}
	switch _, err := time.Parse(time.DateOnly, day); {
	case err != nil:
		ig.malformed(at, "", w.text+" is no day", "write the year, month and day: until=2027-01-31", nil)
	case ig.until != "":
		ig.malformed(at, "", "until= is given twice", "keep one of the two", nil)
	default:
		ig.until, ig.untilAt = day, at
	}
}

func (ig *ignore) parseRule(v *vocabulary, w word) {
	at := ig.span(w)
	r, known := v.rule(w.text)
	switch {
	case known && r.Kind == rule.OfSuppressions:
		ig.malformed(at, "", fmt.Sprintf("%s %s cannot be ignored: it is on suppressions themselves", r.ID, r.Name), "mend the comment or the baseline that it is about", nil)
	case known:
		ig.rules = append(ig.rules, &ignored{of: ig, rule: r, word: w})
	default:
		help := "name rules by id or name; `msgen rules` lists them"
		if near := schema.Nearest(w.text, v.names); near != "" {
			help = fmt.Sprintf("did you mean %q?", near)
		} else if selected, _ := rule.Select([]string{w.text}); selected != nil {
			help = "name each rule: an ignore comment takes no beginnings of ids"
		}
		ig.malformed(at, "", fmt.Sprintf("unknown rule %q", w.text), help, replaceTypo(at, w.text, v.names))
	}
}

// replaceTypo puts right what can only be one of the known words.
func replaceTypo(at source.Span, text string, known []string) *diag.Fix {
	right := schema.Typo(text, known)
	if right == "" {
		return nil
	}
	return &diag.Fix{Title: fmt.Sprintf("replace %s by %s", text, right), Edits: []diag.Edit{{Span: at, New: right}}}
}

// span is the place of a word of the comment.
func (ig *ignore) span(w word) source.Span {
	line := ig.comment.Start.Line
	return source.Span{
		File:  ig.comment.Span.File,
		Start: source.Pos{Line: line, Col: w.col},
		End:   source.Pos{Line: line, Col: w.col + max(utf8.RuneCountInString(w.text), 1)},
	}
}

func (ig *ignore) malformed(at source.Span, label, message, help string, fix *diag.Fix) {
	d := rule.Finding(rule.MalformedIgnore)
	d.Message, d.Path, d.Primary, d.Help, d.Fix = message, ig.comment.Path, diag.Label{Span: at, Text: label}, help, fix
	ig.bad = append(ig.bad, d)
}

// expired reports whether a comment's last day is over.
func (ig *ignore) expired(today time.Time) bool {
	return ig.until != "" && today.Format(time.DateOnly) > ig.until
}
