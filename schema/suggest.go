package schema

import "strings"

// Nearest is the candidate closest to a name by edit distance, without regard to case; "" when none is close enough to be a typo.
// Of several as close, the first wins.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", max(len(name)/3, 1)+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Typo is the one candidate that a name can be mistyped from: the only one at a distance of one edit or of case alone. It is "" when
// there are several, when one is the name itself, for names so short that anything is near them, and when digits differ: any may be meant.
func Typo(name string, candidates []string) string {
	const shortest = 4
	found := ""
	for _, c := range candidates {
		if c != name && distance(strings.ToLower(name), strings.ToLower(c), 2) > 1 {
			continue
		}
		if c == name || found != "" && found != c {
			return ""
		}
		found = c
	}
	if digits(name) != digits(found) || len(name) < shortest && !strings.EqualFold(name, found) {
		return ""
	}
	return found
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// distance is the Damerau-Levenshtein distance (optimal string alignment) of a and b; limit or more when it is not below limit.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
