package rule

import (
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
)

func observability() []Rule {
	return []Rule{
		{"MSG501", "ExtremeSampling", diag.Warning, Observability, extremeSampling, OfSpec},
		{"MSG502", "UnstructuredLogs", diag.Error, Observability, unstructuredLogs, OfSpec},
		{"MSG503", "ExposedWithoutObjective", diag.Warning, Observability, exposedWithoutObjective, OfSpec},
		{"MSG504", "ObjectiveAboveDependencies", diag.Warning, Observability, objectiveAboveDependencies, OfSpec},
	}
}

func extremeSampling(s *schema.Spec, report Report) {
	v := s.Observability.Sampling
	f := finding{path: "observability.sampling", span: v.Span}
	switch {
	case !v.Set:
		return
	case v.V == 0:
		f.message, f.help = "no request is traced", "keep a share, such as 0.1"
	case v.V == 1:
		f.message, f.help = "every request is traced", "keep a share, such as 0.1; TRACE_SAMPLING raises it while you look for a fault"
	default:
		return
	}
	report.add(f)
}

func unstructuredLogs(s *schema.Spec, report Report) {
	if s.Observability.Logs.V == "text" {
		report.add(finding{path: "observability.logs", span: s.Observability.Logs.Span, message: "logs are written as plain text", help: "use json: a machine reads them before a person does", fix: edit.Replace(s.Observability.Logs.Span, "text", "json")})
	}
}
