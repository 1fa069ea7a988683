package outbox

import (
	"slices"
	"testing"
)

// Whatever the statement, it must name the given ids and no other: one that was not acknowledged would be lost.
func TestDeletionNamesTheGivenIDsOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		ids    []int64
		ranges bool
	}{
		"one":         {[]int64{7}, false},
		"run":         {[]int64{9, 7, 8, 6}, true},
		"runs":        {[]int64{1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13}, true},
		"scattered":   {[]int64{5, 1, 9, 13}, false},
		"run at last": {[]int64{1, 3, 5, 6}, false},
		"repeated":    {[]int64{1, 2, 2, 3, 4, 5}, true},
	} {
		given := slices.Compact(slices.Sorted(slices.Values(tc.ids)))
		sql, args := deletion(slices.Clone(tc.ids))
		var named []int64
		if sql == deleteRangeSQL {
			first, last := args[0].([]int64), args[1].([]int64)
			for i := range first {
				for id := first[i]; id <= last[i]; id++ {
					named = append(named, id)
				}
			}
		} else {
			named = slices.Clone(args[0].([]int64))
		}
		slices.Sort(named)
		if named = slices.Compact(named); !slices.Equal(named, given) {
			t.Errorf("%s: named %v, want %v", name, named, given)
		}
		if (sql == deleteRangeSQL) != tc.ranges {
			t.Errorf("%s: statement %s", name, sql)
		}
	}
}

func TestSampled(t *testing.T) {
	const id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
	for parent, want := range map[string]bool{
		"": false, id: false, id + "0": false, id + "00": false, id + "01": true, id + "02": false, id + "03": true, id + "0f": true,
	} {
		if got := sampled(parent); got != want {
			t.Errorf("sampled(%q) = %v", parent, got)
		}
	}
}
