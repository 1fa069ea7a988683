package schema

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestNotYetInTheReadme holds the README's list of what is not generated yet to what is refused.
func TestNotYetInTheReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Not yet\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, list, _ := strings.Cut(section, ": ")
	listed := map[string]bool{}
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(strings.ToLower(list), -1) {
		listed[word] = true
	}
	for _, filler := range []string{"and", "or", "gateways"} {
		delete(listed, filler)
	}
	for value := range notYet {
		if !listed[value] {
			t.Errorf("the README does not say that %s is refused", value)
		}
		delete(listed, value)
	}
	for word := range listed {
		t.Errorf("the README says that %s is refused, and it is not", word)
	}
}
