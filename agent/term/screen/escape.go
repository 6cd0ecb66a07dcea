package screen

// execute does a control character.
func (s *Screen) execute(c byte) {
	s.last = 0
	switch c {
	case '\b':
		s.pen.x, s.wrapNext = max(s.pen.x-1, 0), false
	case '\t':
		s.tab(1)
	case '\n', '\v', '\f':
		s.index()
		if s.newline {
			s.pen.x = 0
		}
	case '\r':
		s.pen.x, s.wrapNext = 0, false
	case 0x0e:
		s.pen.shift = 1
	case 0x0f:
		s.pen.shift = 0
	}
}

// tab goes n stops to the right, or to the left where n is negative.
func (s *Screen) tab(n int) {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for range min(n, s.cols) {
		for s.pen.x += step; s.pen.x > 0 && s.pen.x < s.cols-1 && !s.tabs[s.pen.x]; {
			s.pen.x += step
		}
		s.pen.x = min(max(s.pen.x, 0), s.cols-1)
	}
	if step < 0 {
		s.wrapNext = false
	}
}

// escape does an escape sequence that ends in c.
func (s *Screen) escape(c byte) {
	if inter := s.parser.inter; len(inter) > 0 {
		s.escapeWith(inter[0], c)
		return
	}
	switch c {
	case '7':
		s.save()
	case '8':
		s.restore()
	case 'D':
		s.index()
	case 'E':
		s.index()
		s.pen.x = 0
	case 'H':
		s.tabs[s.pen.x], s.tabsChanged = true, true
	case 'M':
		s.reverseIndex()
	case 'Z':
		s.reply("\x1b[?1;2c")
	case 'c':
		s.pen = pen{}
		s.reset()
	case '=':
		s.keypad = true
	case '>':
		s.keypad = false
	case 'n':
		s.pen.shift = 2
	case 'o':
		s.pen.shift = 3
	}
}

// escapeWith does one with an intermediate character.
func (s *Screen) escapeWith(inter, c byte) {
	switch inter {
	case '(', ')', '*', '+':
		if c != '0' {
			c = 'B' // other sets are drawn as ASCII
		}
		s.pen.sets[inter-'('] = c
	case '#':
		if c == '8' {
			s.align()
		}
	}
}

// align is DECALN: a screen full of E.
func (s *Screen) align() {
	s.top, s.bottom = 0, s.rows-1
	s.moveTo(0, 0)
	for i := range s.cur.lines {
		l := &s.cur.lines[i]
		l.wrapped = false
		for x := range l.cells {
			l.cells[x] = cell{r: 'E', width: 1}
		}
	}
}

func (s *Screen) save() {
	s.cur.saved, s.cur.has = s.pen, true
	s.cur.saved.pending = s.wrapNext
}

func (s *Screen) restore() {
	if !s.cur.has {
		s.pen = freshPen()
		s.wrapNext = false
		return
	}
	s.pen = s.cur.saved
	s.wrapNext, s.pen.pending = s.pen.pending, false
	s.pen.x, s.pen.y = min(s.pen.x, s.cols-1), min(s.pen.y, s.rows-1)
}

// moveTo moves the cursor anywhere on the screen.
func (s *Screen) moveTo(x, y int) {
	s.pen.x, s.pen.y = min(max(x, 0), s.cols-1), min(max(y, 0), s.rows-1)
	s.wrapNext = false
}

// place is CUP: from one, and within the region in origin mode.
func (s *Screen) place(x, y int) {
	if s.pen.origin {
		s.moveTo(x-1, min(max(s.top+y-1, s.top), s.bottom))
		return
	}
	s.moveTo(x-1, y-1)
}

// up and down stop at the region's ends where they begin inside of it.
func (s *Screen) up(n int) {
	limit := 0
	if s.pen.y >= s.top {
		limit = s.top
	}
	s.moveTo(s.pen.x, max(s.pen.y-n, limit))
}

func (s *Screen) down(n int) {
	limit := s.rows - 1
	if s.pen.y <= s.bottom {
		limit = s.bottom
	}
	s.moveTo(s.pen.x, min(s.pen.y+n, limit))
}

// osc does an operating system command.
func (s *Screen) osc(text []byte) {
	n, i := 0, 0
	for i < len(text) && i < 4 && text[i] >= '0' && text[i] <= '9' {
		n = n*10 + int(text[i]-'0')
		i++
	}
	if i == 0 {
		return
	}
	var value string
	if i < len(text) && text[i] == ';' {
		value = string(text[i+1:])
	}
	switch {
	case n == 0 || n == 2:
		s.title = clean(value)
	case n >= 10 && n <= 19:
		if value == "?" || value == "" || len(value) > 64 {
			return
		}
		if s.colors == nil {
			s.colors = map[int]string{}
		}
		s.colors[n] = clean(value)
	case n >= 110 && n <= 119:
		delete(s.colors, n-100)
	}
}

// clean leaves out what could end the string that the text is repeated in.
func clean(text string) string {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if r >= 0x20 && r != 0x7f && (r < 0x80 || r >= 0xa0) && len(out) < maxTitle {
			out = append(out, r)
		}
	}
	return string(out)
}

func (s *Screen) reply(text string) {
	if s.opts.Reply != nil {
		s.opts.Reply([]byte(text))
	}
}
