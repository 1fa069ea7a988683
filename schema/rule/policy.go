package rule

import "slices"

// ignorable are the errors that generated code survives: what they ask for is sound practice, and a team may decide otherwise for a while. From a
// spec that breaks any other error nothing sound can be generated.
var ignorable = []string{
	"MSG103", // CallCycle
	"MSG104", // NoResponsibility
	"MSG112", // TightCoupling
	"MSG217", // MonolithicDatabase
	"MSG305", // RetryWithoutBackoff
	"MSG309", // CallWithoutTimeout
	"MSG311", // CallWithoutFallback
	"MSG315", // OutlastsCaller
	"MSG317", // BreakerNeverOpens
	"MSG401", // ExposedWithoutAuth
	"MSG403", // PublicWrite
	"MSG405", // UnsafeJWT
	"MSG406", // CORSCredentials
	"MSG407", // InternalExposed
	"MSG409", // WeakMTLS
	"MSG410", // ServicesWithoutIdentity
	"MSG412", // LiteralSecret
	"MSG502", // UnstructuredLogs
	"MSG602", // ShortGracePeriod
	"MSG605", // FixedReplicas
	"MSG707", // ListWithoutPages
}

// Policy reports that generating may go on when a finding of this rule is ignored.
func (r Rule) Policy() bool { return slices.Contains(ignorable, r.ID) }
