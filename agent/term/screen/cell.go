package screen

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// attrs are the attributes of a style, one bit each.
type attrs uint16

const (
	bold attrs = 1 << iota
	faint
	italic
	blink
	inverse
	hidden
	strike
	overline
	// underline takes three bits: 0 is none, else the style of SGR 4:n.
	underlineShift = 8
	underlineMask  = attrs(7) << underlineShift
)

// color is 0 for the default, 1 + n for an entry of the palette, or rgb.
type color uint32

const rgb color = 1 << 24

// style is how a character looks.
type style struct {
	fg, bg, line color
	attrs        attrs
}

// cell is one place. Width 2 is a wide character, whose second place is a cell of
// width 0. A blank one has rune 0.
type cell struct {
	r     rune
	style style
	comb  uint16 // marks on it, see combs
	width uint8
}

func (c cell) shown() rune {
	if c.r == 0 {
		return ' '
	}
	return c.r
}

func (c cell) blank() bool { return c.r == 0 && c.width == 1 && c.style == style{} }

// erased returns a blank in the background of st, as xterm erases.
func erased(st style) cell { return cell{style: style{bg: st.bg}, width: 1} }

// line is one row. wrapped says that the text goes on in the next one.
type line struct {
	cells   []cell
	wrapped bool
}

func newLine(cols int, st style) line {
	l := line{cells: make([]cell, cols)}
	for i := range l.cells {
		l.cells[i] = erased(st)
	}
	return l
}

// used is the number of cells up to the last that is not blank.
func (l line) used() int {
	n := len(l.cells)
	for n > 0 && l.cells[n-1].blank() {
		n--
	}
	return n
}

// goesOn reports whether the text of the line really continues in the next one:
// its last place, which may have been too small for a wide character, is the only
// one that may be free.
func (l line) goesOn() bool { return l.wrapped && l.used() >= len(l.cells)-1 }

// combs keeps the marks that combine with characters, each sequence once. Index
// zero is none.
type combs struct {
	texts []string
	index map[string]uint16
}

func (c *combs) text(i uint16) string {
	if i == 0 || int(i) > len(c.texts) {
		return ""
	}
	return c.texts[i-1]
}

// add returns the index of the sequence at i with r behind it. Where there is no
// room, r is left out.
func (c *combs) add(i uint16, r rune) uint16 {
	text := c.text(i) + string(r)
	if at, ok := c.index[text]; ok {
		return at
	}
	if len(text) > maxComb || len(c.texts) >= maxCombs {
		return i
	}
	if c.index == nil {
		c.index = map[string]uint16{}
	}
	c.texts = append(c.texts, text)
	c.index[text] = uint16(len(c.texts))
	return c.index[text]
}

// runeWidth is 0 for marks, 2 for wide characters, else 1.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case r == 0x200b, r >= 0x200c && r <= 0x200f, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff:
		return 0
	case unicode.In(r, unicode.Mn, unicode.Me), r >= 0x1160 && r <= 0x11ff:
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// appendSGR adds the sequence that changes the look from one style to another.
func appendSGR(b []byte, from, to style) []byte {
	if from == to {
		return b
	}
	b = append(b, "\x1b[0"...)
	for _, a := range []struct {
		bit  attrs
		code string
	}{{bold, ";1"}, {faint, ";2"}, {italic, ";3"}, {blink, ";5"}, {inverse, ";7"}, {hidden, ";8"}, {strike, ";9"}, {overline, ";53"}} {
		if to.attrs&a.bit != 0 {
			b = append(b, a.code...)
		}
	}
	switch u := to.attrs & underlineMask >> underlineShift; u {
	case 0:
	case 1:
		b = append(b, ";4"...)
	default:
		b = append(b, ";4:"...)
		b = strconv.AppendInt(b, int64(u), 10)
	}
	b = appendColor(b, to.fg, 30)
	b = appendColor(b, to.bg, 40)
	b = appendColor(b, to.line, 0)
	return append(b, 'm')
}

// appendColor adds one color; base is 30, 40, or 0 for that of underlines.
func appendColor(b []byte, c color, base int64) []byte {
	switch {
	case c == 0:
		return b
	case base == 0 && c&rgb != 0:
		b = append(b, ";58:2:"...)
		return appendRGB(b, c, ':')
	case base == 0:
		b = append(b, ";58:5:"...)
		return strconv.AppendInt(b, int64(c-1), 10)
	case c&rgb != 0:
		b = append(b, ';')
		b = strconv.AppendInt(b, base+8, 10)
		b = append(b, ";2;"...)
		return appendRGB(b, c, ';')
	case c <= 8:
		b = append(b, ';')
		return strconv.AppendInt(b, base+int64(c-1), 10)
	case c <= 16:
		b = append(b, ';')
		return strconv.AppendInt(b, base+60+int64(c-9), 10)
	}
	b = append(b, ';')
	b = strconv.AppendInt(b, base+8, 10)
	b = append(b, ";5;"...)
	return strconv.AppendInt(b, int64(c-1), 10)
}

func appendRGB(b []byte, c color, sep byte) []byte {
	b = strconv.AppendInt(b, int64(c>>16&0xff), 10)
	b = append(b, sep)
	b = strconv.AppendInt(b, int64(c>>8&0xff), 10)
	b = append(b, sep)
	return strconv.AppendInt(b, int64(c&0xff), 10)
}

// appendCells adds cells in the style from, and returns the style afterwards.
func (s *Screen) appendCells(b []byte, cells []cell, from style) ([]byte, style) {
	for _, c := range cells {
		if c.width == 0 {
			continue
		}
		b = appendSGR(b, from, c.style)
		from = c.style
		b = utf8.AppendRune(b, c.shown())
		b = append(b, s.combs.text(c.comb)...)
	}
	return b, from
}
