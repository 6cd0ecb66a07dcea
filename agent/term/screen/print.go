package screen

// print puts a character at the cursor.
func (s *Screen) print(r rune) {
	if s.pen.sets[s.pen.shift] == '0' {
		r = graphic(r)
	}
	w := 1
	if r >= 0x300 {
		w = runeWidth(r)
	}
	if w == 0 {
		s.mark(r)
		return
	}
	s.last = r
	if s.wrapNext {
		s.wrap()
	}
	if s.pen.x+w > s.cols {
		if s.pen.noWrap {
			s.pen.x = s.cols - w
		} else {
			s.wrap()
		}
	}
	row := s.cur.lines[s.pen.y].cells
	if s.insert {
		s.insertCells(w)
	}
	s.split(s.pen.y, s.pen.x)
	s.split(s.pen.y, s.pen.x+w)
	row[s.pen.x] = cell{r: r, style: s.pen.style, width: uint8(w)}
	if w == 2 {
		row[s.pen.x+1] = cell{style: s.pen.style}
	}
	s.pen.x += w
	if s.pen.x >= s.cols {
		s.pen.x = s.cols - 1
		s.wrapNext = !s.pen.noWrap
	}
}

// wrap goes to the next line, of which it is known that it continues this one.
func (s *Screen) wrap() {
	s.cur.lines[s.pen.y].wrapped = true
	s.pen.x = 0
	s.index()
}

// mark puts a combining mark on the character before the cursor.
func (s *Screen) mark(r rune) {
	x := s.pen.x
	if !s.wrapNext {
		x--
	}
	if x < 0 {
		return
	}
	row := s.cur.lines[s.pen.y].cells
	if row[x].width == 0 && x > 0 {
		x--
	}
	if row[x].r != 0 {
		row[x].comb = s.combs.add(row[x].comb, r)
	}
}

// split blanks the wide character that a change at column x would cut in two.
func (s *Screen) split(y, x int) {
	row := s.cur.lines[y].cells
	if x <= 0 || x >= s.cols || row[x].width != 0 {
		return
	}
	row[x-1] = cell{style: row[x-1].style, width: 1}
	row[x] = cell{style: row[x].style, width: 1}
}

// index moves down, scrolling at the end of the region.
func (s *Screen) index() {
	s.wrapNext = false
	switch {
	case s.pen.y == s.bottom:
		s.scrollUp(s.top, 1)
	case s.pen.y < s.rows-1:
		s.pen.y++
	}
}

func (s *Screen) reverseIndex() {
	s.wrapNext = false
	switch {
	case s.pen.y == s.top:
		s.scrollDown(s.top, 1)
	case s.pen.y > 0:
		s.pen.y--
	}
}

// scrollUp moves the lines from row from to the end of the region up by n. What
// leaves the main screen at its top is remembered.
func (s *Screen) scrollUp(from, n int) {
	lines := s.cur.lines
	n = min(n, s.bottom-from+1)
	for range n {
		gone := lines[from]
		if from == 0 && s.top == 0 && s.cur == s.main {
			s.remember(gone)
		}
		copy(lines[from:s.bottom], lines[from+1:s.bottom+1])
		s.clearLine(&gone)
		lines[s.bottom] = gone
	}
}

// scrollDown moves the lines from row from to the end of the region down by n.
func (s *Screen) scrollDown(from, n int) {
	lines := s.cur.lines
	n = min(n, s.bottom-from+1)
	for range n {
		gone := lines[s.bottom]
		copy(lines[from+1:s.bottom+1], lines[from:s.bottom])
		s.clearLine(&gone)
		lines[from] = gone
	}
	if from > 0 {
		lines[from-1].wrapped = false
	}
}

func (s *Screen) clearLine(l *line) {
	l.wrapped = false
	blank := erased(s.pen.style)
	for i := range l.cells {
		l.cells[i] = blank
	}
}

// eraseCells blanks columns from x up to before end of row y.
func (s *Screen) eraseCells(y, x, end int) {
	end = min(end, s.cols)
	if x >= end {
		return
	}
	s.split(y, x)
	s.split(y, end)
	l := &s.cur.lines[y]
	blank := erased(s.pen.style)
	for i := x; i < end; i++ {
		l.cells[i] = blank
	}
	if end == s.cols {
		l.wrapped = false
	}
}

func (s *Screen) insertCells(n int) {
	l := &s.cur.lines[s.pen.y]
	n = min(n, s.cols-s.pen.x)
	s.split(s.pen.y, s.pen.x)
	s.split(s.pen.y, s.cols-n)
	copy(l.cells[s.pen.x+n:], l.cells[s.pen.x:s.cols-n])
	s.blank(l.cells[s.pen.x : s.pen.x+n])
	l.wrapped = false
}

func (s *Screen) deleteCells(n int) {
	l := &s.cur.lines[s.pen.y]
	n = min(n, s.cols-s.pen.x)
	s.split(s.pen.y, s.pen.x)
	s.split(s.pen.y, s.pen.x+n)
	copy(l.cells[s.pen.x:], l.cells[s.pen.x+n:])
	s.blank(l.cells[s.cols-n:])
	l.wrapped = false
}

func (s *Screen) blank(cells []cell) {
	for i := range cells {
		cells[i] = erased(s.pen.style)
	}
}

// graphic is the DEC line drawing set.
func graphic(r rune) rune {
	const set = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"
	if r < '`' || r > '~' {
		return r
	}
	i := r - '`'
	for _, g := range set {
		if i == 0 {
			return g
		}
		i--
	}
	return r
}
