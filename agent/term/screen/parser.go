package screen

import "unicode/utf8"

// state of the parser, after the usual state machine of DEC terminals.
type state uint8

const (
	ground      state = iota
	escape            // after ESC
	escapeInter       // ESC and intermediates
	control           // CSI
	ignored           // CSI that is not understood, up to its final byte
	oscText
	otherText // DCS, SOS, PM, APC
)

type parser struct {
	state   state
	params  []int32 // -1 where absent
	colons  uint64  // bit i: param i follows a colon
	private byte    // one of <=>? before the parameters
	inter   []byte
	text    []byte // of an OSC
	esc     bool   // ESC inside of a string
	partial []byte // of a UTF-8 character
	raw     []byte // the unfinished sequence
	over    bool   // raw is not all of it
}

// Write takes the output of a program. It never fails.
func (s *Screen) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if s.parser.state == ground && len(s.parser.partial) == 0 {
			if k := s.plainRun(p); k > 0 {
				p = p[k:]
				continue
			}
		}
		s.feed(p[0])
		p = p[1:]
	}
	return n, nil
}

// plainRun prints the ASCII characters that p begins with.
func (s *Screen) plainRun(p []byte) int {
	for i, c := range p {
		if c < 0x20 || c >= 0x7f {
			return i
		}
		s.print(rune(c))
	}
	return len(p)
}

func (s *Screen) feed(c byte) {
	p := &s.parser
	if p.state == ground {
		s.feedGround(c)
		return
	}
	if len(p.raw) < maxPending {
		p.raw = append(p.raw, c)
	} else {
		p.over = true
	}
	switch p.state {
	case oscText, otherText:
		s.feedString(c)
	default:
		s.feedSequence(c)
	}
	if p.state == ground {
		p.raw, p.over = p.raw[:0], false
	}
}

// feedGround takes a byte outside of sequences. C1 controls are not taken as
// such: in UTF-8 they are parts of characters.
func (s *Screen) feedGround(c byte) {
	p := &s.parser
	if len(p.partial) > 0 {
		if c&0xc0 == 0x80 {
			p.partial = append(p.partial, c)
			if utf8.FullRune(p.partial) {
				r, _ := utf8.DecodeRune(p.partial)
				p.partial = p.partial[:0]
				s.print(r)
			}
			return
		}
		p.partial = p.partial[:0]
		s.print(utf8.RuneError)
	}
	switch {
	case c == 0x1b:
		s.begin()
	case c < 0x20:
		s.execute(c)
	case c == 0x7f:
	case c < 0x80:
		s.print(rune(c))
	case utf8.RuneStart(c) && c >= 0xc2 && c <= 0xf4:
		p.partial = append(p.partial, c)
	default:
		s.print(utf8.RuneError)
	}
}

// begin starts a sequence at its ESC.
func (s *Screen) begin() {
	p := &s.parser
	p.state, p.private, p.colons, p.esc = escape, 0, 0, false
	p.params, p.inter, p.text = p.params[:0], p.inter[:0], p.text[:0]
	p.raw, p.over = append(p.raw[:0], 0x1b), false
	s.repeatable, s.last = s.last, 0
}

// feedSequence takes a byte of an escape or control sequence.
func (s *Screen) feedSequence(c byte) {
	p := &s.parser
	switch {
	case c == 0x18, c == 0x1a:
		p.state = ground
		return
	case c == 0x1b:
		s.begin()
		return
	case c < 0x20:
		s.execute(c) // controls work inside of sequences
		return
	case c >= 0x7f:
		return
	}
	switch p.state {
	case escape, escapeInter:
		s.feedEscape(c)
	case control:
		s.feedControl(c)
	case ignored:
		if c >= 0x40 {
			p.state = ground
		}
	}
}

func (s *Screen) feedEscape(c byte) {
	p := &s.parser
	switch {
	case c < 0x30:
		p.state = escapeInter
		if len(p.inter) < 4 {
			p.inter = append(p.inter, c)
		}
	case p.state == escape && c == '[':
		p.state = control
	case p.state == escape && c == ']':
		p.state = oscText
	case p.state == escape && (c == 'P' || c == 'X' || c == '^' || c == '_'):
		p.state = otherText
	default:
		p.state = ground
		s.escape(c)
	}
}

func (s *Screen) feedControl(c byte) {
	p := &s.parser
	switch {
	case c >= '0' && c <= '9':
		if len(p.params) == 0 {
			p.params = append(p.params, -1)
		}
		v := &p.params[len(p.params)-1]
		*v = min(max(*v, 0)*10+int32(c-'0'), maxParam)
	case c == ';' || c == ':':
		if len(p.params) == 0 {
			p.params = append(p.params, -1)
		}
		if len(p.params) == maxParams {
			p.state = ignored
			return
		}
		if c == ':' {
			p.colons |= 1 << len(p.params)
		}
		p.params = append(p.params, -1)
	case c >= 0x3c && c <= 0x3f:
		if len(p.params) > 0 || p.private != 0 {
			p.state = ignored
			return
		}
		p.private = c
	case c < 0x30:
		if len(p.inter) == 4 {
			p.state = ignored
			return
		}
		p.inter = append(p.inter, c)
	default:
		p.state = ground
		s.control(c)
	}
}

// feedString takes a byte of an OSC, DCS, SOS, PM or APC string.
func (s *Screen) feedString(c byte) {
	p := &s.parser
	if p.esc {
		p.esc = false
		if c == '\\' {
			s.endString()
			return
		}
		// The ESC has ended the string and begins something else.
		s.endString()
		s.begin()
		s.feed(c)
		return
	}
	switch {
	case c == 0x1b:
		p.esc = true
	case c == 0x18, c == 0x1a:
		p.state = ground
	case c == 0x07 && p.state == oscText:
		s.endString()
	case p.state == oscText && len(p.text) < maxString:
		p.text = append(p.text, c)
	}
}

func (s *Screen) endString() {
	p := &s.parser
	if p.state == oscText {
		s.osc(p.text)
	}
	p.state = ground
}

// param returns parameter i, or def where it is absent or, as most sequences have
// it, zero.
func (s *Screen) param(i, def int) int {
	if v := s.rawParam(i); v > 0 {
		return v
	}
	return def
}

// rawParam returns parameter i, zero where it is absent.
func (s *Screen) rawParam(i int) int {
	if p := s.parser.params; i < len(p) && p[i] > 0 {
		return int(p[i])
	}
	return 0
}

// unfinished returns what a viewer must get so that the rest of a sequence, which
// is still to come, is understood.
func (s *Screen) unfinished() []byte {
	p := &s.parser
	switch {
	case p.state == ground:
		return p.partial
	case p.over && p.esc:
		return append(p.raw[:2:2], 0x1b)
	case p.over:
		return p.raw[:2] // what began is enough to swallow the rest
	}
	return p.raw
}
