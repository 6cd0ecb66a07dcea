// Package screen is the picture of a terminal in memory: bytes of a program go
// in, and at any moment the bytes come out that draw the same picture on a fresh
// terminal.
//
// It owns both screens (main and alternate), the scroll-back, the cursor and the
// modes of one terminal. It never talks to a process or a viewer, starts nothing,
// and is not safe for concurrent use. What goes in is hostile: every part is
// bounded, and unknown sequences are swallowed as xterm does.
//
// It is our own because the state that a faithful restore needs (scroll region,
// saved cursors, character sets, tab stops, pending wrap, an unfinished sequence)
// is what the emulator libraries for Go keep to themselves.
package screen

import "unicode/utf8"

// Limits of a terminal.
const (
	MaxCols = 1000
	MaxRows = 300

	maxCombs   = 4096    // distinct combinations of marks at a time
	maxComb    = 32      // bytes of marks on one character
	maxTitle   = 1 << 10 // bytes
	maxString  = 4 << 10 // bytes of an OSC or DCS that are kept
	maxModes   = 64      // private modes that are remembered
	maxPending = 4 << 10 // bytes of an unfinished sequence that are repeated
	maxParams  = 32
	maxParam   = 1<<16 - 1
)

// Options of a Screen.
type Options struct {
	Cols, Rows int
	// History bounds the scroll-back in lines, HistoryBytes in bytes.
	History, HistoryBytes int
	// Reply, where not nil, gets what the terminal answers to a query. It must
	// not block.
	Reply func([]byte)
}

// Screen is one terminal.
type Screen struct {
	opts       Options
	cols, rows int

	main, alt *buffer
	cur       *buffer // main or alt
	altBy     int     // private mode that switched to alt
	history   history

	pen         pen
	wrapNext    bool // the cursor stands behind the last column
	top, bottom int  // scroll region, inclusive
	tabs        []bool
	tabsChanged bool

	modes       map[int]bool // private modes that differ from a fresh terminal
	insert      bool
	newline     bool // LNM
	keypad      bool
	cursorStyle int
	modifyOther int
	title       string
	colors      map[int]string // OSC 10 to 19
	last        rune           // printed just now, else 0
	repeatable  rune           // what last was before the sequence, for REP
	combs       combs

	parser parser
}

// pen is what DECSC saves.
type pen struct {
	x, y    int
	style   style
	sets    [4]byte // designated character sets, 'B' is ASCII
	shift   int     // the set in GL
	origin  bool
	noWrap  bool
	pending bool // wrapNext, while saved
}

// buffer is one of the two screens.
type buffer struct {
	lines []line
	saved pen
	has   bool // saved is set
}

// New returns an empty terminal. Sizes outside of the limits are clamped.
func New(o Options) *Screen {
	s := &Screen{opts: o}
	s.history.lines, s.history.bytes = o.History, o.HistoryBytes
	s.cols, s.rows = clampSize(o.Cols, o.Rows)
	s.reset()
	return s
}

func clampSize(cols, rows int) (int, int) {
	return min(max(cols, 2), MaxCols), min(max(rows, 1), MaxRows)
}

// reset is RIS; it keeps the size and clears the scroll-back.
func (s *Screen) reset() {
	s.combs = combs{}
	s.main, s.alt, s.altBy = s.newBuffer(), nil, 0
	s.cur = s.main
	s.history.clear()
	s.title, s.colors = "", nil
	s.resetTabs()
	s.softReset()
	s.pen = freshPen()
	s.modes = map[int]bool{}
	s.keypad = false
}

// softReset is DECSTR: modes and pen, not the picture.
func (s *Screen) softReset() {
	x, y := s.pen.x, s.pen.y
	s.pen = freshPen()
	s.pen.x, s.pen.y = x, y
	for _, m := range []int{1, 6, 25, 45, 66} {
		delete(s.modes, m)
	}
	s.cur.has, s.cur.saved = false, pen{}
	s.wrapNext, s.insert, s.newline, s.keypad = false, false, false, false
	s.cursorStyle, s.modifyOther = 0, 0
	s.top, s.bottom = 0, s.rows-1
}

func freshPen() pen { return pen{sets: [4]byte{'B', 'B', 'B', 'B'}} }

func (s *Screen) newBuffer() *buffer {
	b := &buffer{lines: make([]line, s.rows)}
	for i := range b.lines {
		b.lines[i] = newLine(s.cols, style{})
	}
	return b
}

func (s *Screen) resetTabs() {
	s.tabsChanged = false
	s.tabs = make([]bool, s.cols)
	for i := 8; i < s.cols; i += 8 {
		s.tabs[i] = true
	}
}

// Size returns columns and rows.
func (s *Screen) Size() (cols, rows int) { return s.cols, s.rows }

// Cursor returns column and row from zero.
func (s *Screen) Cursor() (x, y int) { return s.pen.x, s.pen.y }

// Alternate reports whether the alternate screen is shown.
func (s *Screen) Alternate() bool { return s.cur == s.alt && s.alt != nil }

// Title returns the title that the program has set.
func (s *Screen) Title() string { return s.title }

// HistoryLen returns the lines in the scroll-back.
func (s *Screen) HistoryLen() int { return s.history.n }

// Text returns the visible rows without attributes; blanks at the end are cut.
func (s *Screen) Text() []string {
	out := make([]string, s.rows)
	for i, l := range s.cur.lines {
		out[i] = s.plain(l)
	}
	return out
}

func (s *Screen) plain(l line) string {
	var b []byte
	for _, c := range l.cells[:l.used()] {
		if c.width == 0 {
			continue
		}
		b = utf8.AppendRune(b, c.shown())
		b = append(b, s.combs.text(c.comb)...)
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return string(b)
}
