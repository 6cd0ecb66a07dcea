package screen

import (
	"fmt"
	"slices"
	"strings"
)

// Describe writes down the whole state of a terminal. Where lines of the
// scroll-back end is left out: a line that goes on from there to the screen, and
// was changed since, may be two for who attaches later.
func Describe(s *Screen) string {
	var b strings.Builder
	for i := range s.history.n {
		b.WriteString(strings.TrimRight(string(s.history.at(i).text), " "))
	}
	text := fmt.Sprintf("past %q\n", b.String())
	b.Reset()
	b.WriteString(text)
	for _, buf := range []*buffer{s.main, s.alt} {
		if buf == nil {
			continue
		}
		fmt.Fprintf(&b, "screen %v\n", buf == s.cur)
		for _, l := range buf.lines {
			c, st := s.appendCells(nil, l.cells[:l.used()], style{})
			// A blank and a space at the end look the same.
			fmt.Fprintf(&b, " %q\n", strings.TrimRight(string(appendSGR(c, st, style{})), " "))
		}
		if buf.has {
			fmt.Fprintf(&b, " saved %+v\n", buf.saved)
		}
	}
	tabs := ""
	if s.tabsChanged {
		for i, on := range s.tabs {
			if on {
				tabs += fmt.Sprintf("%d ", i)
			}
		}
	}
	set := []string{}
	for m, on := range s.modes {
		set = append(set, fmt.Sprintf("%d%c", m, onOff(on)))
	}
	slices.Sort(set)
	fmt.Fprintf(&b, "pen %+v wrap %v region %d-%d tabs %s modes %v insert %v newline %v keypad %v cursor %d other %d title %q colors %v\n",
		s.pen, s.wrapNext, s.top, s.bottom, tabs, set, s.insert, s.newline, s.keypad, s.cursorStyle, s.modifyOther, s.title, s.colors)
	return b.String()
}
