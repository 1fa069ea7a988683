package cli

import "runtime/debug"

// smallSpecs is how large specs may be together, in bytes, to be checked without garbage collection. A decoded spec takes about a hundred
// times its text, so that these take 200 MiB at most.
const smallSpecs = 2 << 20

// holdCollection puts garbage collection off while specs are checked: what a spec is decoded into is in use until the last finding is printed,
// so that collecting would cost a fifth of the run and free next to nothing. The function it returns ends that and may be called twice; what
// renders or loads code calls it first, since that does leave garbage. GOGC in the environment is left to decide.
func holdCollection(inputs []input, getenv func(string) string) (resume func()) {
	size := 0
	for i := range inputs {
		size += len(inputs[i].content)
	}
	if size > smallSpecs || getenv("GOGC") != "" {
		return func() {}
	}
	before, held := debug.SetGCPercent(-1), true
	return func() {
		if held {
			debug.SetGCPercent(before)
			held = false
		}
	}
}
