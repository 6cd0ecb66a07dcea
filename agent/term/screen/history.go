package screen

// history is the scroll-back: lines as they are drawn, oldest first. It is a ring
// that grows up to its bounds.
type history struct {
	lines, bytes int // bounds

	ring  []past
	first int
	n     int
	size  int // bytes of all texts
}

// past is a line that left the screen: text with its attributes, which begins and
// ends in the default style. width is in cells.
type past struct {
	text    []byte
	width   int
	wrapped bool // goes on in the next line
}

func (h *history) clear() { h.ring, h.first, h.n, h.size = nil, 0, 0, 0 }

// perLine is what a line costs besides its text.
const perLine = 40

func (h *history) push(p past) {
	if h.lines <= 0 || len(p.text)+perLine > h.bytes {
		return
	}
	for h.n > 0 && (h.n >= h.lines || h.size+len(p.text)+perLine > h.bytes) {
		h.drop()
	}
	if h.n == len(h.ring) {
		grown := make([]past, min(max(64, 2*h.n), h.lines))
		for i := range h.n {
			grown[i] = *h.at(i)
		}
		h.ring, h.first = grown, 0
	}
	*h.at(h.n) = p
	h.n++
	h.size += len(p.text) + perLine
}

func (h *history) drop() {
	p := h.at(0)
	h.size -= len(p.text) + perLine
	*p = past{}
	h.first = (h.first + 1) % len(h.ring)
	h.n--
}

func (h *history) at(i int) *past { return &h.ring[(h.first+i)%len(h.ring)] }

// remember moves a line to the scroll-back.
func (s *Screen) remember(l line) {
	cells := l.cells[:l.used()]
	text, st := s.appendCells(make([]byte, 0, len(cells)+8), cells, style{})
	text = appendSGR(text, st, style{})
	s.history.push(past{text: text, width: len(cells), wrapped: l.goesOn()})
}
