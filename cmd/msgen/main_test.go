package main

import "testing"

func TestInstalled(t *testing.T) {
	for module, want := range map[string]string{
		"v1.2.3":                             "v1.2.3",
		"v0.0.0-20261123024409-e341ff8aaaaa": "v0.0.0-20261123024409-e341ff8aaaaa",
		"v1.2.4-0.20261123024409-e341ff8aaaaa+dirty": "dev",
		"(devel)": "dev",
		"":        "dev",
	} {
		if got := installed(module); got != want {
			t.Errorf("installed(%q) = %q, want %q", module, got, want)
		}
	}
}
