package rule

import "strings"

// Select returns a test for the ids that the selectors name: an id (MSG101), the beginning of ids (MSG1) or a rule's name (UnknownReference),
// in any case. Without selectors every id passes. unknown is the first selector that names no rule, "" when there is none.
func Select(selectors []string) (selected func(id string) bool, unknown string) {
	if len(selectors) == 0 {
		return func(string) bool { return true }, ""
	}
	ids := map[string]bool{}
	for _, s := range selectors {
		found := false
		s = strings.TrimSpace(s)
		for _, r := range Every() {
			if strings.EqualFold(r.Name, s) || s != "" && strings.HasPrefix(r.ID, strings.ToUpper(s)) {
				ids[r.ID] = true
				found = true
			}
		}
		if !found {
			return nil, s
		}
	}
	return func(id string) bool { return ids[id] }, ""
}
