package screen

// Resize changes the size as a terminal window does. Long lines of the main screen
// are wrapped anew; what no longer fits goes to the scroll-back. The alternate
// screen is cut or filled up: its program draws it again.
func (s *Screen) Resize(cols, rows int) {
	cols, rows = clampSize(cols, rows)
	if cols == s.cols && rows == s.rows {
		return
	}
	alternate := s.Alternate()
	mx, my := s.pen.x, s.pen.y
	if alternate {
		mx, my = s.main.saved.x, s.main.saved.y
	}
	mx, my = s.reflow(cols, rows, mx, my)
	if alternate {
		s.main.saved.x, s.main.saved.y = mx, my
		s.cut(s.alt, cols, rows)
	} else {
		s.pen.x, s.pen.y = mx, my
		s.wrapNext = false
	}
	tabs := s.tabs
	s.cols, s.rows = cols, rows
	changed := s.tabsChanged
	s.resetTabs()
	if changed {
		copy(s.tabs, tabs)
		s.tabsChanged = true
	}
	s.top, s.bottom = 0, rows-1
	s.pen.x, s.pen.y = min(s.pen.x, cols-1), min(s.pen.y, rows-1)
	s.wrapNext = s.wrapNext && s.pen.x == cols-1
	for _, b := range []*buffer{s.main, s.alt} {
		if b != nil {
			b.saved.x, b.saved.y = min(b.saved.x, cols-1), min(b.saved.y, rows-1)
		}
	}
}

// cut fits a buffer without moving text between lines.
func (s *Screen) cut(b *buffer, cols, rows int) {
	if drop := s.pen.y - rows + 1; drop > 0 { // keep the cursor's line
		b.lines = b.lines[drop:]
		s.pen.y -= drop
	}
	lines := make([]line, rows)
	for i := range lines {
		lines[i] = newLine(cols, style{})
		if i < len(b.lines) {
			fit(lines[i].cells, b.lines[i].cells)
		}
	}
	b.lines = lines
}

// fit copies cells and blanks a wide character that is cut at the end.
func fit(to, from []cell) {
	n := copy(to, from)
	if n > 0 && n < len(from) && to[n-1].width == 2 {
		to[n-1] = cell{style: to[n-1].style, width: 1}
	}
}

// reflow wraps the main screen's lines at another width, and returns where the
// cursor at x, y is then.
func (s *Screen) reflow(cols, rows, x, y int) (nx, ny int) {
	lines := s.main.lines
	last := len(lines) - 1
	for last > y && lines[last].used() == 0 {
		last--
	}
	var out []line
	for i := 0; i <= last; {
		var text []cell
		at := -1 // the cursor's place in text
		for more := true; more && i <= last; i++ {
			l := lines[i]
			if i == y {
				at = len(text) + x
			}
			more = l.goesOn()
			text = append(text, l.cells[:l.used()]...)
		}
		first := len(out)
		out = rewrap(out, text, cols)
		if at >= 0 {
			nx, ny = find(out[first:], at)
			ny += first
			nx = min(nx, cols-1)
		}
	}
	for len(out) > rows {
		if ny == 0 { // the cursor stays: what is below it goes
			out = out[:rows]
			break
		}
		s.remember(out[0])
		out = out[1:]
		ny--
	}
	for len(out) < rows {
		out = append(out, newLine(cols, style{}))
	}
	s.main.lines = out
	return nx, ny
}

// rewrap appends text as lines of cols cells.
func rewrap(out []line, text []cell, cols int) []line {
	for {
		l := newLine(cols, style{})
		n := min(len(text), cols)
		if n == cols && n < len(text) && text[n].width == 0 && n > 1 {
			n-- // a wide character goes to the next line as a whole
		}
		copy(l.cells, text[:n])
		text = text[n:]
		l.wrapped = len(text) > 0
		out = append(out, l)
		if len(text) == 0 {
			return out
		}
	}
}

// find returns where the place at of a text is in its lines.
func find(lines []line, at int) (x, y int) {
	for y = 0; y < len(lines)-1; y++ {
		n := len(lines[y].cells)
		if lines[y].cells[n-1].blank() && lines[y].wrapped {
			n--
		}
		if at < n {
			return at, y
		}
		at -= n
	}
	return at, y
}
