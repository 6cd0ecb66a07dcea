package screen

import "fmt"

// control does a control sequence that ends in c.
func (s *Screen) control(c byte) {
	p := &s.parser
	switch {
	case len(p.inter) > 0:
		s.controlWith(p.inter[0], c)
	case p.private != 0:
		s.controlPrivate(c)
	case !s.move(c) && !s.edit(c):
		s.controlPlain(c)
	}
}

// move does what only moves the cursor.
func (s *Screen) move(c byte) bool {
	n := s.param(0, 1)
	switch c {
	case 'A':
		s.up(n)
	case 'B', 'e':
		s.down(n)
	case 'C', 'a':
		s.moveTo(s.pen.x+n, s.pen.y)
	case 'D':
		s.moveTo(s.pen.x-n, s.pen.y)
	case 'E':
		s.down(n)
		s.pen.x = 0
	case 'F':
		s.up(n)
		s.pen.x = 0
	case 'G', '`':
		s.moveTo(n-1, s.pen.y)
	case 'H', 'f':
		s.place(s.param(1, 1), n)
	case 'I':
		s.tab(n)
	case 'Z':
		s.tab(-n)
	case 'd':
		s.place(s.pen.x+1, n)
	default:
		return false
	}
	return true
}

// edit does what changes characters.
func (s *Screen) edit(c byte) bool {
	n := s.param(0, 1)
	switch c {
	case '@':
		s.insertCells(n)
		s.wrapNext = false
	case 'P':
		s.deleteCells(n)
		s.wrapNext = false
	case 'X':
		s.eraseCells(s.pen.y, s.pen.x, s.pen.x+n)
		s.wrapNext = false
	case 'J':
		s.eraseDisplay(s.rawParam(0))
	case 'K':
		s.eraseLine(s.rawParam(0))
	case 'L', 'M':
		if s.pen.y < s.top || s.pen.y > s.bottom {
			return true
		}
		if c == 'L' {
			s.scrollDown(s.pen.y, n)
		} else {
			s.deleteLines(n)
		}
		s.pen.x, s.wrapNext = 0, false
	case 'S':
		s.scrollUp(s.top, n)
	case 'T':
		if len(s.parser.params) > 1 {
			return true // mouse tracking of old
		}
		s.scrollDown(s.top, n)
	case 'b':
		s.repeat(n)
	default:
		return false
	}
	return true
}

// deleteLines is DL: what goes is not remembered, unlike with scrolling.
func (s *Screen) deleteLines(n int) {
	lines := s.cur.lines
	for range min(n, s.bottom-s.pen.y+1) {
		gone := lines[s.pen.y]
		copy(lines[s.pen.y:s.bottom], lines[s.pen.y+1:s.bottom+1])
		s.clearLine(&gone)
		lines[s.bottom] = gone
	}
}

// repeat is REP; no more than what fills the screen.
func (s *Screen) repeat(n int) {
	if s.repeatable == 0 {
		return
	}
	set := s.pen.sets
	s.pen.sets = freshPen().sets // the character is translated already
	for range min(n, s.cols*s.rows) {
		s.print(s.repeatable)
	}
	s.pen.sets, s.last = set, 0
}

func (s *Screen) eraseDisplay(mode int) {
	switch mode {
	case 0:
		s.eraseCells(s.pen.y, s.pen.x, s.cols)
		for y := s.pen.y + 1; y < s.rows; y++ {
			s.clearLine(&s.cur.lines[y])
		}
	case 1:
		for y := range s.pen.y {
			s.clearLine(&s.cur.lines[y])
		}
		s.eraseCells(s.pen.y, 0, s.pen.x+1)
	case 2:
		for y := range s.cur.lines {
			s.clearLine(&s.cur.lines[y])
		}
	case 3:
		s.history.clear()
		return
	}
	s.wrapNext = false
}

func (s *Screen) eraseLine(mode int) {
	switch mode {
	case 0:
		s.eraseCells(s.pen.y, s.pen.x, s.cols)
	case 1:
		s.eraseCells(s.pen.y, 0, s.pen.x+1)
	case 2:
		s.eraseCells(s.pen.y, 0, s.cols)
	}
	s.wrapNext = false
}

// controlPlain does the rest of those without a mark.
func (s *Screen) controlPlain(c byte) {
	switch c {
	case 'c':
		if s.rawParam(0) == 0 {
			s.reply("\x1b[?1;2c")
		}
	case 'g':
		switch s.rawParam(0) {
		case 0:
			s.tabs[s.pen.x] = false
		case 3:
			clear(s.tabs)
		}
		s.tabsChanged = true
	case 'h', 'l':
		for i := range s.parser.params {
			switch s.rawParam(i) {
			case 4:
				s.insert = c == 'h'
			case 20:
				s.newline = c == 'h'
			}
		}
	case 'm':
		s.sgr()
	case 'n':
		switch s.rawParam(0) {
		case 5:
			s.reply("\x1b[0n")
		case 6:
			s.reportCursor("")
		}
	case 'r':
		s.region(s.param(0, 1), s.param(1, s.rows))
	case 's':
		s.save()
	case 'u':
		s.restore()
	}
}

func (s *Screen) region(top, bottom int) {
	bottom = min(bottom, s.rows)
	if top >= bottom {
		return
	}
	s.top, s.bottom = top-1, bottom-1
	s.place(1, 1)
}

func (s *Screen) reportCursor(mark string) {
	y := s.pen.y
	if s.pen.origin {
		y -= s.top
	}
	s.reply(fmt.Sprintf("\x1b[%s%d;%dR", mark, y+1, s.pen.x+1))
}

// controlPrivate does those with one of <=>? before the parameters.
func (s *Screen) controlPrivate(c byte) {
	switch mark := s.parser.private; {
	case mark == '?' && (c == 'h' || c == 'l'):
		for i := range s.parser.params {
			s.setMode(s.rawParam(i), c == 'h')
		}
	case mark == '?' && c == 'J':
		s.eraseDisplay(s.rawParam(0))
	case mark == '?' && c == 'K':
		s.eraseLine(s.rawParam(0))
	case mark == '?' && c == 'n' && s.rawParam(0) == 6:
		s.reportCursor("?")
	case mark == '>' && c == 'c' && s.rawParam(0) == 0:
		s.reply("\x1b[>0;276;0c")
	case mark == '>' && c == 'm' && s.rawParam(0) == 4:
		s.modifyOther = min(s.rawParam(1), 9)
	}
}

// controlWith does those with an intermediate character.
func (s *Screen) controlWith(inter, c byte) {
	switch {
	case inter == '!' && c == 'p':
		s.softReset()
	case inter == ' ' && c == 'q':
		s.cursorStyle = min(s.rawParam(0), 6)
	}
}
