package merge

// A run of inserted or deleted equal lines can often stand in several places: of two blank lines either may be the new one. slide moves each such
// run to where git would put it, as far down as it goes, or to the last place where the other text is changed too, so that two diffs against one base
// agree on it.

// changes marks the lines of a text that have no equal in the other.
type changes struct {
	lines   []int
	changed []bool
}

// group is a run of changed lines, perhaps none, between two that are not: [start, end).
type group struct{ start, end int }

func (c *changes) first() group {
	g := group{}
	for g.end < len(c.lines) && c.changed[g.end] {
		g.end++
	}
	return g
}

// next moves to the group after the next unchanged line; false at the end of the text.
func (c *changes) next(g *group) bool {
	if g.end == len(c.lines) {
		return false
	}
	g.start = g.end + 1
	for g.end = g.start; g.end < len(c.lines) && c.changed[g.end]; g.end++ {
	}
	return true
}

// previous moves to the group before the unchanged line that g follows.
func (c *changes) previous(g *group) {
	g.end = g.start - 1
	for g.start = g.end; g.start > 0 && c.changed[g.start-1]; g.start-- {
	}
}

// up moves a group by one line towards the start, and joins it with the one it then touches.
func (c *changes) up(g *group) bool {
	if g.start == 0 || c.lines[g.start-1] != c.lines[g.end-1] {
		return false
	}
	g.start--
	g.end--
	c.changed[g.start], c.changed[g.end] = true, false
	for g.start > 0 && c.changed[g.start-1] {
		g.start--
	}
	return true
}

// down is up's opposite.
func (c *changes) down(g *group) bool {
	if g.end == len(c.lines) || c.lines[g.start] != c.lines[g.end] {
		return false
	}
	c.changed[g.start], c.changed[g.end] = false, true
	g.start++
	g.end++
	for g.end < len(c.lines) && c.changed[g.end] {
		g.end++
	}
	return true
}

// slide moves the groups of c; other is the other text of the same diff.
func slide(c, other *changes) {
	g, o := c.first(), other.first()
	for {
		if g.end > g.start {
			slideGroup(c, other, &g, &o)
		}
		if !c.next(&g) {
			return
		}
		other.next(&o)
	}
}

func slideGroup(c, other *changes, g, o *group) {
	var matching, earliest int
	for {
		size := g.end - g.start
		matching = -1
		for c.up(g) {
			other.previous(o)
		}
		earliest = g.end
		if o.end > o.start {
			matching = g.end
		}
		for c.down(g) {
			other.next(o)
			if o.end > o.start {
				matching = g.end
			}
		}
		if size == g.end-g.start {
			break // it has joined no other
		}
	}
	if g.end == earliest || matching < 0 {
		return
	}
	for o.end == o.start {
		c.up(g)
		other.previous(o)
	}
}
