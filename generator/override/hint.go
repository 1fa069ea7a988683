package override

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// hint says which template a name may stand for, or that there was one once.
func hint(name string, origin Origin, templates []Template) string {
	if near := Near(name, templates); near != "" {
		return fmt.Sprintf("did you mean %s?", Path(near))
	}
	if origin.Version != "" {
		return fmt.Sprintf("msgen %s had one: bring your change to what makes its output now, and delete this file", origin.Version)
	}
	return "msgen templates list names all that can be overridden"
}

// Near is the template that a name may have been meant as: the one that makes an output of this name, the only one whose name or output ends so, or
// the one that is spelled almost like it; "" when there is none. It is never one that cannot be overridden.
func Near(name string, templates []Template) string {
	var names, ends []string
	made := ""
	for _, t := range templates {
		if t.Fixed != "" {
			continue
		}
		names = append(names, t.Name)
		if made == "" && makes(t, name) {
			made = t.Name
		}
		if strings.HasSuffix(t.Name, "/"+name) || strings.HasSuffix(t.Name, "/"+name+".tmpl") || strings.HasSuffix(t.Output, "/"+name) {
			ends = append(ends, t.Name)
		}
	}
	switch {
	case made != "":
		return made
	case len(ends) == 1:
		return ends[0]
	}
	return schema.Nearest(name, names)
}

var placeholder = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// makes reports that a path is one that a template's output can have.
func makes(t Template, path string) bool {
	pattern := placeholder.ReplaceAllString(regexp.QuoteMeta(t.Output), `[a-z0-9_-]+`)
	ok, err := regexp.MatchString("^"+pattern+"$", path)
	return err == nil && ok
}
