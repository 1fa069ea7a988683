package merge

import "math"

// match is a run of n equal lines, at a of one text and at b of another.
type match struct{ a, b, n int }

// maxCost bounds how far one search for a middle goes before it settles for the best place found; with it two texts of n lines cost O(n·maxCost)
// at worst. Texts of up to maxCost differing lines are compared exactly.
const maxCost = 1024

// diff returns the equal runs of two texts, in order: E. Myers, An O(ND) Difference Algorithm and Its Variations (1986), in the variant that needs
// linear space. Lines are given as numbers, equal ones for equal lines.
func diff(a, b []int) []match {
	d := differ{}
	// A line that the other text does not have cannot match. Leaving such lines out makes wholly different texts cheap.
	ka, ia := common(a, b)
	kb, ib := common(b, a)
	d.a, d.b = ka, kb
	size := len(ka) + len(kb) + 3 // every diagonal, and one beyond on either side
	d.forward, d.backward = make([]int, size), make([]int, size)
	d.compare(0, len(ka), 0, len(kb))

	left, right := changesOf(a), changesOf(b)
	for _, m := range d.matches {
		for i := range m.n {
			left.changed[ia[m.a+i]], right.changed[ib[m.b+i]] = false, false
		}
	}
	slide(left, right)
	slide(right, left)
	return matches(left, right)
}

// changesOf is a text of which every line is changed.
func changesOf(lines []int) *changes {
	c := &changes{lines: lines, changed: make([]bool, len(lines))}
	for i := range c.changed {
		c.changed[i] = true
	}
	return c
}

// matches pairs the unchanged lines of two texts; both have as many.
func matches(left, right *changes) []match {
	var list []match
	j := 0
	for i, changed := range left.changed {
		if changed {
			continue
		}
		for right.changed[j] {
			j++
		}
		list = extend(list, i, j)
		j++
	}
	return list
}

// extend adds one pair of equal lines.
func extend(list []match, a, b int) []match {
	if n := len(list); n > 0 {
		if last := &list[n-1]; last.a+last.n == a && last.b+last.n == b {
			last.n++
			return list
		}
	}
	return append(list, match{a, b, 1})
}

// common are the lines of a that b has too, and where they stand in a.
func common(a, b []int) (lines, index []int) {
	has := make(map[int]bool, len(b))
	for _, l := range b {
		has[l] = true
	}
	for i, l := range a {
		if has[l] {
			lines = append(lines, l)
			index = append(index, i)
		}
	}
	return lines, index
}

type differ struct {
	a, b              []int
	forward, backward []int // by diagonal: how far along a the furthest path has come
	matches           []match
}

// compare finds the matches of a[a0:a1] and b[b0:b1].
func (d *differ) compare(a0, a1, b0, b1 int) {
	start := 0
	for a0+start < a1 && b0+start < b1 && d.a[a0+start] == d.b[b0+start] {
		start++
	}
	d.add(a0, b0, start)
	a0, b0 = a0+start, b0+start
	end := 0
	for a1-end > a0 && b1-end > b0 && d.a[a1-end-1] == d.b[b1-end-1] {
		end++
	}
	a1, b1 = a1-end, b1-end
	if a0 < a1 && b0 < b1 {
		x, y := d.middle(a0, a1, b0, b1)
		d.compare(a0, x, b0, y)
		d.compare(x, a1, y, b1)
	}
	d.add(a1, b1, end)
}

func (d *differ) add(a, b, n int) {
	for i := range n {
		d.matches = extend(d.matches, a+i, b+i)
	}
}

// middle is a point that a shortest edit of a[a0:a1] into b[b0:b1] goes through, other than both corners. The two ranges are not empty and differ
// in their first and in their last line. Paths start from both corners, one edit longer in each round, and meet in the middle.
func (d *differ) middle(a0, a1, b0, b1 int) (x, y int) {
	zero := len(d.b) + 1 // where the diagonal 0 is kept; the diagonal of (x, y) is x-y
	low, high := a0-b1, a1-b0
	forward, backward := a0-b0, a1-b1
	odd := (forward-backward)&1 != 0
	fmin, fmax, bmin, bmax := forward, forward, backward, backward
	d.forward[zero+forward], d.backward[zero+backward] = a0, a1
	for cost := 1; ; cost++ {
		// A diagonal that has not been reached, or lies outside, never wins.
		if fmin > low {
			fmin--
			d.forward[zero+fmin-1] = -1
		} else {
			fmin++
		}
		if fmax < high {
			fmax++
			d.forward[zero+fmax+1] = -1
		} else {
			fmax--
		}
		for k := fmax; k >= fmin; k -= 2 {
			x := max(d.forward[zero+k-1]+1, d.forward[zero+k+1])
			for x < a1 && x-k < b1 && d.a[x] == d.b[x-k] {
				x++
			}
			d.forward[zero+k] = x
			if odd && bmin <= k && k <= bmax && d.backward[zero+k] <= x {
				return x, x - k
			}
		}
		if bmin > low {
			bmin--
			d.backward[zero+bmin-1] = math.MaxInt
		} else {
			bmin++
		}
		if bmax < high {
			bmax++
			d.backward[zero+bmax+1] = math.MaxInt
		} else {
			bmax--
		}
		for k := bmax; k >= bmin; k -= 2 {
			x := min(d.backward[zero+k-1], d.backward[zero+k+1]-1)
			for x > a0 && x-k > b0 && d.a[x-1] == d.b[x-k-1] {
				x--
			}
			d.backward[zero+k] = x
			if !odd && fmin <= k && k <= fmax && x <= d.forward[zero+k] {
				return x, x - k
			}
		}
		if cost >= maxCost {
			return d.furthest(zero, fmin, fmax, a1, b1)
		}
	}
}

// furthest is the point that the forward paths have come to with the most lines behind it.
func (d *differ) furthest(zero, low, high, a1, b1 int) (x, y int) {
	best := -1
	for k := high; k >= low; k -= 2 {
		px := min(d.forward[zero+k], a1)
		py := px - k
		if py > b1 {
			px, py = b1+k, b1
		}
		if px+py > best {
			best, x, y = px+py, px, py
		}
	}
	return x, y
}
