package screen

// setMode does DECSET and DECRST. Modes that change how the terminal draws are
// done here; others are only remembered for those who attach later.
func (s *Screen) setMode(mode int, on bool) {
	switch mode {
	case 47, 1047, 1049:
		s.switchScreen(mode, on)
		return
	case 1048:
		if on {
			s.save()
		} else {
			s.restore()
		}
		return
	case 6:
		s.pen.origin = on
		s.place(1, 1)
		return
	case 7:
		s.pen.noWrap = !on
		if !on {
			s.wrapNext = false
		}
		return
	case 66:
		s.keypad = on
		return
	case 0, 3, 40, 2026:
		return // of no lasting effect, or none on terminals in a browser
	}
	s.rememberMode(mode, on)
}

// rememberMode notes how a mode differs from that of a fresh terminal.
func (s *Screen) rememberMode(mode int, on bool) {
	if mouse(mode) { // one way of reporting the mouse ends the others
		for _, m := range []int{9, 1000, 1001, 1002, 1003} {
			delete(s.modes, m)
		}
	}
	if on == (mode == 25) { // the cursor alone is on by itself
		delete(s.modes, mode)
		return
	}
	if _, known := s.modes[mode]; known || len(s.modes) < maxModes {
		s.modes[mode] = on
	}
}

func mouse(mode int) bool { return mode == 9 || mode >= 1000 && mode <= 1003 }

// switchScreen goes to the alternate screen or back.
func (s *Screen) switchScreen(mode int, alternate bool) {
	if alternate == s.Alternate() {
		return
	}
	if alternate {
		if mode == 1049 {
			s.save()
		}
		s.alt, s.altBy = s.newBuffer(), mode
		s.alt.saved, s.alt.has = pen{}, false
		s.cur = s.alt
		for i := range s.alt.lines {
			s.clearLine(&s.alt.lines[i])
		}
		return
	}
	s.cur, s.alt, s.altBy = s.main, nil, 0
	if mode == 1049 {
		s.restore()
	}
}

// sgr changes the look of what is printed next.
func (s *Screen) sgr() {
	n := len(s.parser.params)
	if n == 0 {
		s.pen.style = style{}
		return
	}
	for i := 0; i < n; {
		i += s.sgrOne(i)
	}
}

// joined is the number of parameters that hang on i by colons.
func (s *Screen) joined(i int) int {
	n := 1
	for i+n < len(s.parser.params) && s.parser.colons&(1<<(i+n)) != 0 {
		n++
	}
	return n
}

// sgrOne does the parameter at i and returns how many it has used.
func (s *Screen) sgrOne(i int) int {
	st := &s.pen.style
	n := s.joined(i)
	set := func(bits attrs) { st.attrs |= bits }
	unset := func(bits attrs) { st.attrs &^= bits }
	switch v := s.rawParam(i); {
	case v == 0:
		*st = style{}
	case v == 4:
		unset(underlineMask)
		kind := 1
		if n > 1 {
			kind = min(s.rawParam(i+1), 5)
		}
		set(attrs(kind) << underlineShift)
	case v == 21:
		unset(underlineMask)
		set(2 << underlineShift)
	case v == 22:
		unset(bold | faint)
	case v == 24:
		unset(underlineMask)
	case v < 10:
		set([10]attrs{1: bold, 2: faint, 3: italic, 5: blink, 6: blink, 7: inverse, 8: hidden, 9: strike}[v])
	case v >= 23 && v <= 29:
		unset([7]attrs{italic, 0, blink, 0, inverse, hidden, strike}[v-23])
	case v == 53:
		set(overline)
	case v == 55:
		unset(overline)
	default:
		return s.sgrColor(i, n)
	}
	return n
}

// sgrColor does a color.
func (s *Screen) sgrColor(i, n int) int {
	st := &s.pen.style
	switch v := s.rawParam(i); {
	case v >= 30 && v <= 37:
		st.fg = color(v - 30 + 1)
	case v >= 40 && v <= 47:
		st.bg = color(v - 40 + 1)
	case v >= 90 && v <= 97:
		st.fg = color(v - 90 + 9)
	case v >= 100 && v <= 107:
		st.bg = color(v - 100 + 9)
	case v == 39:
		st.fg = 0
	case v == 49:
		st.bg = 0
	case v == 59:
		st.line = 0
	case v == 38 || v == 48 || v == 58:
		c, used, ok := s.extended(i, n)
		if ok {
			*map[int]*color{38: &st.fg, 48: &st.bg, 58: &st.line}[v] = c
		}
		return used
	}
	return n
}

// extended reads 38;5;n, 38;2;r;g;b and their forms with colons.
func (s *Screen) extended(i, n int) (c color, used int, ok bool) {
	at := func(k int) color { return color(min(s.rawParam(i+k), 255)) }
	left := len(s.parser.params) - i
	joined := n > 1
	if joined {
		left = n
	}
	switch {
	case left >= 3 && s.rawParam(i+1) == 5:
		c, used, ok = at(2)+1, 3, true
	case left >= 6 && joined && s.rawParam(i+1) == 2: // 38:2:space:r:g:b
		c, used, ok = rgb|at(3)<<16|at(4)<<8|at(5), 6, true
	case left >= 5 && s.rawParam(i+1) == 2:
		c, used, ok = rgb|at(2)<<16|at(3)<<8|at(4), 5, true
	default:
		used = max(left, 1)
	}
	if joined {
		used = n
	}
	return c, used, ok
}
