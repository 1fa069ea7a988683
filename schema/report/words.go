package report

import (
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// words are the protocol's report in one language. Headers, aspects and marks are the same in both, as in the protocol.
type words struct {
	reason, service, aspect, violation, action string
	back                                       string
	system                                     string // in place of a service
	review                                     string // what to do when a finding does not say it
	correct                                    string // the same for a spec that cannot be read
	checked                                    string
	lines                                      [6]string
	ready                                      string
	counted                                    string // rules and files
	partly                                     string // how many rules of a line's ran
	warnings, hidden                           string
	by                                         map[diag.Suppressor]string
	note                                       string
}

func languages() map[string]words { return map[string]words{"en": english(), "ru": russian()} }

// checkedAspects are the aspects behind each of the six lines.
func checkedAspects() [6][]string {
	return [6][]string{
		{rule.Architecture, rule.Scalability, rule.Contracts},
		{rule.Communication},
		{rule.Data},
		{rule.Communication}, // every call has a breaker by construction; what it is given are rules of communication
		{rule.Observability},
		{rule.Security},
	}
}

func english() words {
	return words{
		reason: "Reason", service: "Service", aspect: "Architectural aspect", violation: "Violation", action: "Action",
		back:    "Back to PHASE 2",
		system:  "the system as a whole",
		review:  "Review the architectural aspect",
		correct: "Correct the spec",
		checked: "Checked",
		lines: [6]string{
			"The architecture follows microservices best practices",
			"Services are linked asynchronously and loosely coupled",
			"The data consistency strategy is defined",
			"Circuit breakers are provided",
			"Observability is in place",
			"Security is ensured",
		},
		ready:    "The microservices architecture is ready to be implemented.",
		counted:  "Rules checked: %d, files: %d.",
		partly:   "%d of %d rules ran",
		warnings: "Warnings", hidden: "Suppressed",
		by: map[diag.Suppressor]string{diag.ByComment: "by a comment", diag.ByBaseline: "by the baseline"},
	}
}

// russian has the wording of the protocol's source, which is Russian.
func russian() words {
	return words{
		reason: "Причина", service: "Сервис", aspect: "Архитектурный аспект", violation: "Нарушение", action: "Действие",
		back:    "Возврат к ФАЗЕ 2",
		system:  "вся система",
		review:  "Пересмотреть архитектурный аспект",
		correct: "Исправить спецификацию",
		checked: "Проверено",
		lines: [6]string{
			"Архитектура соответствует microservices best practices",
			"Связи между сервисами асинхронные и слабосвязанные",
			"Data consistency стратегия определена",
			"Circuit breakers предусмотрены",
			"Observability добавлена",
			"Безопасность обеспечена",
		},
		ready:    "Микросервисная архитектура готова к реализации.",
		counted:  "Проверено правил: %d, файлов: %d.",
		partly:   "выполнено правил: %d из %d",
		warnings: "Предупреждения", hidden: "Подавлено",
		by:   map[diag.Suppressor]string{diag.ByComment: "комментарием", diag.ByBaseline: "базовой линией (baseline)"},
		note: "Тексты правил — на английском языке.",
	}
}
