package screen

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Snapshot returns the bytes that make a terminal of the same size show this
// picture, with its scroll-back, cursor and modes. They begin with a full reset
// and ask the terminal no questions.
func (s *Screen) Snapshot() []byte {
	b := make([]byte, 0, 4096+s.history.size)
	b = append(b, "\x1bc"...)
	b = s.appendHistory(b)
	if !s.Alternate() {
		b = s.appendLines(b, s.main.lines)
		b = s.appendSaved(b, s.main)
	} else {
		b = s.appendLines(b, s.main.lines)
		if s.altBy != 1049 { // which saves by itself
			b = s.appendSaved(b, s.main)
		} else {
			b = s.appendPen(b, s.main, s.main.saved)
		}
		b = fmt.Appendf(b, "\x1b[?%dh", s.altBy)
		b = append(b, "\x1b[?6l\x1b[?7h\x1b[0m"...)
		b = s.appendSets(b, freshPen())
		b = append(b, "\x1b[H\x1b[J"...)
		b = s.appendLines(b, s.alt.lines)
		b = s.appendSaved(b, s.alt)
	}
	b = s.appendModes(b)
	b = s.appendCursor(b)
	return append(b, s.unfinished()...)
}

// appendHistory prints the scroll-back and moves all of it out of the screen.
func (s *Screen) appendHistory(b []byte) []byte {
	h := &s.history
	rows, width := 0, 0
	for i := range h.n {
		p := h.at(i)
		b = append(b, p.text...)
		width += p.width
		if p.wrapped && i < h.n-1 {
			continue
		}
		b = append(b, "\r\n"...)
		rows += max(1, (width+s.cols-1)/s.cols)
		width = 0
	}
	if rows == 0 {
		return b
	}
	b = fmt.Appendf(b, "\x1b[%d;1H", s.rows)
	for range min(rows, s.rows-1) {
		b = append(b, '\n')
	}
	return append(b, "\x1b[H\x1b[J"...)
}

// appendLines draws a screen. A line that goes on in the next is drawn in one
// piece with it, so that the terminal knows too.
func (s *Screen) appendLines(b []byte, lines []line) []byte {
	flows := false
	for y, l := range lines {
		n := l.used()
		full := l.wrapped && y+1 < len(lines) && n == len(l.cells) && !lines[y+1].cells[0].blank()
		if n == 0 && !flows {
			continue
		}
		if !flows {
			b = append(b, "\x1b["...)
			b = strconv.AppendInt(b, int64(y+1), 10)
			b = append(b, 'H')
		}
		var st style
		b, st = s.appendCells(b, l.cells[:n], style{})
		b = appendSGR(b, st, style{})
		flows = full
	}
	return b
}

// appendSaved puts what DECSC has saved into the terminal.
func (s *Screen) appendSaved(b []byte, buf *buffer) []byte {
	if !buf.has {
		return b
	}
	b = s.appendPen(b, buf, buf.saved)
	b = append(b, "\x1b7"...)
	b = append(b, "\x1b[?6l\x1b[?7h\x1b[0m"...)
	return s.appendSets(b, freshPen())
}

// appendPen makes p the terminal's pen, in the region of a fresh terminal that
// shows buf.
func (s *Screen) appendPen(b []byte, buf *buffer, p pen) []byte {
	if p.sets == [4]byte{} {
		p.sets = freshPen().sets
	}
	if p.origin {
		b = append(b, "\x1b[?6h"...)
	}
	b = s.appendPlace(b, buf, p.x, p.y, p.y, p.pending)
	b = appendSGR(b, style{}, p.style)
	b = s.appendSets(b, p)
	if p.noWrap {
		b = append(b, "\x1b[?7l"...)
	}
	return b
}

// appendPlace moves to a place, whose row the terminal knows as shownY. With
// pending the cursor is to stand behind the last column, which only printing
// there again brings about.
func (s *Screen) appendPlace(b []byte, buf *buffer, x, y, shownY int, pending bool) []byte {
	row := buf.lines[y].cells
	if pending && row[x].width == 0 && x > 0 {
		x--
	}
	b = fmt.Appendf(b, "\x1b[%d;%dH", shownY+1, x+1)
	if !pending {
		return b
	}
	b, st := s.appendCells(b, row[x:], style{})
	return appendSGR(b, st, style{})
}

func (s *Screen) appendSets(b []byte, p pen) []byte {
	for i, set := range p.sets {
		b = append(b, 0x1b, "()*+"[i], set)
	}
	return append(b, [4]string{"\x0f", "\x0e", "\x1bn", "\x1bo"}[p.shift]...)
}

// appendModes sets what is not the pen's.
func (s *Screen) appendModes(b []byte) []byte {
	if s.tabsChanged {
		b = append(b, "\x1b[3g"...)
		for x, stop := range s.tabs {
			if stop {
				b = fmt.Appendf(b, "\x1b[1;%dH\x1bH", x+1)
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(s.modes)) {
		b = fmt.Appendf(b, "\x1b[?%d%c", m, onOff(s.modes[m]))
	}
	if s.newline {
		b = append(b, "\x1b[20h"...)
	}
	if s.keypad {
		b = append(b, "\x1b="...)
	}
	if s.modifyOther != 0 {
		b = fmt.Appendf(b, "\x1b[>4;%dm", s.modifyOther)
	}
	if s.cursorStyle != 0 {
		b = fmt.Appendf(b, "\x1b[%d q", s.cursorStyle)
	}
	if s.title != "" {
		b = fmt.Appendf(b, "\x1b]2;%s\x1b\\", s.title)
	}
	for _, n := range slices.Sorted(maps.Keys(s.colors)) {
		b = fmt.Appendf(b, "\x1b]%d;%s\x1b\\", n, s.colors[n])
	}
	if s.top != 0 || s.bottom != s.rows-1 {
		b = fmt.Appendf(b, "\x1b[%d;%dr", s.top+1, s.bottom+1)
	}
	return b
}

// appendCursor puts the cursor and its pen where they are.
func (s *Screen) appendCursor(b []byte) []byte {
	y := s.pen.y
	if s.pen.origin {
		b = append(b, "\x1b[?6h"...)
		y -= s.top
	}
	b = s.appendPlace(b, s.cur, s.pen.x, s.pen.y, y, s.wrapNext)
	b = appendSGR(b, style{}, s.pen.style)
	b = s.appendSets(b, s.pen)
	if s.pen.noWrap {
		b = append(b, "\x1b[?7l"...)
	}
	if s.insert {
		b = append(b, "\x1b[4h"...)
	}
	return b
}

func onOff(on bool) byte {
	if on {
		return 'h'
	}
	return 'l'
}
