// Package quiet keeps bubbletea from asking the terminal for its background colour when the program starts. It does so in its own
// initialisation, for every command that links it, and where nobody answers the program stands still for five seconds before main.
//
// The question is left out where CI is set. Go initialises packages in the order of their import paths as soon as their own imports
// are; this one imports os alone and sorts before termenv, which puts the question, so it comes first. Restore ends the pretence.
package quiet

import "os"

const name = "CI"

var before, had = pretend()

func pretend() (before string, had bool) {
	before, had = os.LookupEnv(name)
	if before == "" {
		_ = os.Setenv(name, "true") // fails for impossible names only
	}
	return before, had
}

// Restore gives the environment back as it was. It is for the initialisation of a package that imports bubbletea.
func Restore() bool {
	if had {
		return os.Setenv(name, before) == nil
	}
	return os.Unsetenv(name) == nil
}
