package rule

import (
	"sort"

	"github.com/msgen-dev/msgen/schema/diag"
)

// The categories of rules that are no aspect of the protocol.
const (
	Suppressions = "Suppressions" // ignore comments and baselines
	Tree         = "Tree"         // the generated system against its spec
)

// Kind says what a rule looks at.
type Kind int

// The kinds of rules. Only those of the spec have a Check: what the others look at is not in the spec, and other packages report them under
// the ids that stand here.
const (
	OfSpec         Kind = iota // the spec alone
	OfSuppressions             // what is hidden, once all others have run: schema/suppress
	OfTree                     // the files beside the spec: generator/drift
	OfCode                     // hand-edited Go: generator/code
	OfChange                   // the spec against an older one: generator/compat
)

// The rules on hand-edited Go.
const (
	ForeignPackage            = "MSG151"
	LocalReplace              = "MSG152"
	DatabaseOutsideRepository = "MSG251"
	PublishPastOutbox         = "MSG252"
	BareHTTPClient            = "MSG351"
	LostContext               = "MSG551"
)

// The rules on what a change breaks.
const (
	FieldRemoved     = "MSG751"
	FieldRenumbered  = "MSG752"
	FieldTypeChanged = "MSG753"
	EnumValueRemoved = "MSG754"
	MethodRemoved    = "MSG755"
	MethodChanged    = "MSG756"
	RouteChanged     = "MSG757"
	EventRemoved     = "MSG758"
	EventKeyChanged  = "MSG759"
)

// The rules on suppressions.
const (
	MalformedIgnore = "MSG801"
	ExpiredIgnore   = "MSG802"
	UnusedIgnore    = "MSG803"
	StaleBaseline   = "MSG804"
)

// The rules on the generated tree.
const (
	EditedGenerated  = "MSG901"
	MissingGenerated = "MSG902"
	OutOfDate        = "MSG903"
	MergeMarkers     = "MSG904"
	IdleRename       = "MSG905"
)

// others are the rules that have no Check.
func others() []Rule {
	return []Rule{
		{ID: ForeignPackage, Name: "ForeignPackage", Severity: diag.Error, Category: Architecture, Kind: OfCode},
		{ID: LocalReplace, Name: "LocalReplace", Severity: diag.Error, Category: Architecture, Kind: OfCode},
		{ID: DatabaseOutsideRepository, Name: "DatabaseOutsideRepository", Severity: diag.Error, Category: Data, Kind: OfCode},
		{ID: PublishPastOutbox, Name: "PublishPastOutbox", Severity: diag.Error, Category: Data, Kind: OfCode},
		{ID: BareHTTPClient, Name: "BareHTTPClient", Severity: diag.Error, Category: Communication, Kind: OfCode},
		{ID: LostContext, Name: "LostContext", Severity: diag.Error, Category: Observability, Kind: OfCode},
		{ID: FieldRemoved, Name: "FieldRemoved", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: FieldRenumbered, Name: "FieldRenumbered", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: FieldTypeChanged, Name: "FieldTypeChanged", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: EnumValueRemoved, Name: "EnumValueRemoved", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: MethodRemoved, Name: "MethodRemoved", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: MethodChanged, Name: "MethodChanged", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: RouteChanged, Name: "RouteChanged", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: EventRemoved, Name: "EventRemoved", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: EventKeyChanged, Name: "EventKeyChanged", Severity: diag.Error, Category: Contracts, Kind: OfChange},
		{ID: MalformedIgnore, Name: "MalformedIgnore", Severity: diag.Error, Category: Suppressions, Kind: OfSuppressions},
		{ID: ExpiredIgnore, Name: "ExpiredIgnore", Severity: diag.Error, Category: Suppressions, Kind: OfSuppressions},
		{ID: UnusedIgnore, Name: "UnusedIgnore", Severity: diag.Warning, Category: Suppressions, Kind: OfSuppressions},
		{ID: StaleBaseline, Name: "StaleBaseline", Severity: diag.Error, Category: Suppressions, Kind: OfSuppressions},
		{ID: EditedGenerated, Name: "EditedGenerated", Severity: diag.Error, Category: Tree, Kind: OfTree},
		{ID: MissingGenerated, Name: "MissingGenerated", Severity: diag.Error, Category: Tree, Kind: OfTree},
		{ID: OutOfDate, Name: "OutOfDate", Severity: diag.Error, Category: Tree, Kind: OfTree},
		{ID: MergeMarkers, Name: "MergeMarkers", Severity: diag.Error, Category: Tree, Kind: OfTree},
		{ID: IdleRename, Name: "IdleRename", Severity: diag.Warning, Category: Tree, Kind: OfTree},
	}
}

// Every are all rules, of every kind, by id.
func Every() []Rule {
	list := append(All(), others()...)
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// Finding is a finding of a rule that has no Check; its caller adds where and what. It panics on an unknown id.
func Finding(id string) diag.Diagnostic {
	r, ok := Get(id)
	if !ok {
		panic("no rule " + id)
	}
	return diag.Diagnostic{ID: r.ID, Name: r.Name, Severity: r.Severity}
}
