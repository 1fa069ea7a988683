package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
	"github.com/msgen-dev/msgen/schema/rule"
)

func TestMarkdown(t *testing.T) {
	for _, name := range []string{"empty", "clean", "failing", "fail-on-warning", "only-warnings", "syntax"} {
		for _, lang := range []string{"en", "ru"} {
			golden(t, name+"."+lang+".md", write(t, "markdown", reports(t)[name], report.Options{Lang: lang}))
		}
	}
	if write(t, "markdown", failing(t), report.Options{}) != write(t, "markdown", failing(t), report.Options{Lang: "en"}) {
		t.Error("English is not the default")
	}
}

// The lines of the protocol's "Формат результата", in their order; a field is given up to its colon.
var (
	failedLines = []string{
		"⛔ MICROSERVICES VALIDATION FAILED", "", "Причина: ", "Сервис: ", "Архитектурный аспект: ", "", "Нарушение:", "- ", "", "Действие:", "- ", "",
		"Возврат к ФАЗЕ 2",
	}
	passedLines = []string{
		"✅ VALIDATION PASSED", "", "Проверено:",
		"- ✅ Архитектура соответствует microservices best practices",
		"- ✅ Связи между сервисами асинхронные и слабосвязанные",
		"- ✅ Data consistency стратегия определена",
		"- ✅ Circuit breakers предусмотрены",
		"- ✅ Observability добавлена",
		"- ✅ Безопасность обеспечена",
		"", "Микросервисная архитектура готова к реализации.",
	}
)

// holds checks that a text has lines in an order; want ends with ": " or is "- " where the line goes on.
func holds(t *testing.T, text string, want []string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	i := 0
	for _, w := range want {
		open := strings.HasSuffix(w, ": ") || w == "- "
		for i < len(lines) && strings.TrimRight(lines[i], " ") != w && (!open || !strings.HasPrefix(lines[i], w) || lines[i] == w) {
			i++
		}
		if i == len(lines) {
			t.Fatalf("no line %q after those before it in:\n%s", w, text)
		}
		i++
	}
}

func TestMarkdownWording(t *testing.T) {
	ru := report.Options{Lang: "ru"}
	text := write(t, "markdown", failing(t), ru)
	holds(t, text, failedLines)
	r := failing(t)
	for _, want := range []string{"Причина: " + r.Findings[0].Message, "Сервис: billing", "Архитектурный аспект: Communication", "- [MSG301 EventNeverSent]("} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line begins with %q", want)
		}
	}
	holds(t, write(t, "markdown", clean(t), ru), passedLines)
	if strings.Contains(write(t, "markdown", clean(t), ru), "➖") {
		t.Error("a line is not ticked although all rules ran")
	}
	// Each finding that counts has a block; header and footer stand once.
	r.FailOn = diag.Warning
	text = write(t, "markdown", r, ru)
	for want, n := range map[string]int{failedLines[0]: 1, "Возврат к ФАЗЕ 2": 1, "\nПричина: ": len(r.Findings), "\nПодавлено:": 1, "\nПредупреждения:": 0} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q stands %d times, want %d", want, got, n)
		}
	}
}

// A check of some rules does not claim what the others would have shown.
func TestMarkdownPartly(t *testing.T) {
	r := clean(t)
	var some []rule.Rule
	for _, q := range rule.All() {
		if q.Category == rule.Data || q.Category == rule.Security && q.ID > "MSG404" {
			some = append(some, q)
		}
	}
	r.Rules = some
	text := write(t, "markdown", r, report.Options{})
	for want, ok := range map[string]bool{
		"- ✅ The data consistency strategy is defined\n": true, "- ➖ Security is ensured — ": true,
		fmt.Sprintf("- ➖ Observability is in place — 0 of %d rules ran\n", count(rule.Observability)): true,
		fmt.Sprintf("\nRules checked: %d, files: 1.\n", len(some)):                                    true, "ready to be implemented": false,
	} {
		if strings.Contains(text, want) != ok {
			t.Errorf("%q: want %t in\n%s", want, ok, text)
		}
	}
}

// count is how many rules a category has.
func count(category string) int {
	n := 0
	for _, r := range rule.All() {
		if r.Category == category {
			n++
		}
	}
	return n
}

func TestMarkdownServices(t *testing.T) {
	r := many()
	r.Findings = r.Findings[1:2]
	for path, want := range map[string]string{
		"services.orders": "orders", "services.orders.api.CreateOrder": "orders", "events.OrderCreated": "the system as a whole (events.OrderCreated)",
		"": "the system as a whole", "services.": "the system as a whole (services.)", "gateway.auth": "the system as a whole (gateway.auth)",
	} {
		r.Findings[0].Path = path
		if text := write(t, "markdown", r, report.Options{}); !strings.Contains(text, "\nService: "+want+"  \n") {
			t.Errorf("path %q: no service %q in\n%s", path, want, text)
		}
	}
}

// What comes from a spec shows as it is and neither opens a line nor means anything.
func TestMarkdownEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"a *c* <d> [e](f) | g":     "a \\*c\\* \\<d\\> \\[e\\](f) \\| g",
		"add `a_*b*` to ` <c>":     "add `a_*b*` to \\` \\<c\\>",
		"``a`` `b``c` `d|e` ``":    "\\`\\`a\\`\\` \\`b\\`\\`c\\` \\`d\\|e\\` \\`\\`",
		"order_id and _x_":         `order_id and \_x\_`,
		`back\slash & ~tilde~ $m$`: `back\\slash \& \~tilde\~ \$m\$`,
		"one\ntwo\r\n# three":      "one two  # three",
		"# head":                   `\# head`, "- item": `\- item`, "+ item": `\+ item`, "12. item": `12\. item`, "3) x": `3\) x`, "1 x": "1 x", "=": `\=`,
		"\x1b[31mred": "\uFFFD\\[31mred", "𝔘 ü": "𝔘 ü",
	} {
		r := many()
		r.Findings = r.Findings[1:2]
		r.Findings[0].Help = text
		if got := write(t, "markdown", r, report.Options{}); !strings.Contains(got, "\nAction:\n- "+want+"\n") {
			t.Errorf("%q: no %q in\n%s", text, want, got)
		}
	}
}
