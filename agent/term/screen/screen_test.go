package screen_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/term/screen"
)

func fresh(cols, rows int) *screen.Screen {
	return screen.New(screen.Options{Cols: cols, Rows: rows, History: 1000, HistoryBytes: 1 << 20})
}

func write(s *screen.Screen, text string) { _, _ = s.Write([]byte(text)) }

func shown(s *screen.Screen) string { return strings.TrimRight(strings.Join(s.Text(), "\n"), "\n") }

func TestPictures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"text":             {"one\r\ntwo", "one\ntwo"},
		"wrap":             {"0123456789ab", "0123456789\nab"},
		"no wrap":          {"\x1b[?7l0123456789ab", "012345678b"},
		"pending wrap":     {"0123456789\rX", "X123456789"},
		"scroll":           {"1\r\n2\r\n3\r\n4\r\n5\r\n6", "3\n4\n5\n6"},
		"region":           {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nX", "1\n3\nX\n4"},
		"reverse index":    {"1\r\n2\x1b[H\x1bMX", "X\n1\n2"},
		"insert delete":    {"abcdef\x1b[1;2H\x1b[2P\x1b[1;1H\x1b[1@", " adef"},
		"insert mode":      {"abc\x1b[4h\x1b[1;2HXY\x1b[4l\x1b[1;1HZ", "ZXYbc"},
		"lines":            {"1\r\n2\r\n3\x1b[2;1H\x1b[L\x1b[1;1H\x1b[M", "\n2\n3"},
		"erase":            {"abcdef\x1b[1;3H\x1b[1K\x1b[1;5H\x1b[K", "   d"},
		"erase characters": {"abcdef\x1b[1;2H\x1b[3X", "a   ef"},
		"wide":             {"a漢字b", "a漢字b"},
		"wide at the edge": {"012345678漢", "012345678\n漢"},
		"half of a wide":   {"漢\x1b[1;2HX", " X"},
		"marks":            {"e\u0301x", "e\u0301x"},
		"marks at edge":    {"012345678e\u0301", "012345678e\u0301"},
		"line drawing":     {"\x1b(0lqk\x1b(B", "┌─┐"},
		"shift out":        {"\x1b)0\x0eq\x0fq", "─q"},
		"tabs":             {"a\tb", "a       b"},
		"own tabs":         {"\x1b[3g\x1b[1;4H\x1bH\ra\tb", "a  b"},
		"repeat":           {"a\x1b[3bb", "aaaab"},
		"saved cursor":     {"ab\x1b7\x1b[3;3Hx\x1b8c", "abc\n\n  x"},
		"alternate":        {"main\x1b[?1049halt", "    alt"},
		"back again":       {"main\x1b[?1049halt\x1b[?1049l!", "main!"},
		"origin":           {"\x1b[2;3r\x1b[?6h\x1b[1;1HX", "\nX"},
		"strings":          {"a\x1b]0;title\x07b\x1bP+q544e\x1b\\c\x1b_apc\x1b\\d", "abcd"},
		"bad utf8":         {"a\xffb\xe2\x82c", "a\ufffdb\ufffdc"},
		"unknown":          {"a\x1b[>1u\x1b[?2026h\x1b[12;13;14tb\x1b[1;2;3'zc", "abc"},
		"cancelled":        {"a\x1b[12\x18b\x1b[3\x1b[1;1HX", "Xb"},
		"align":            {"\x1b#8", "EEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fresh(10, 4)
			write(s, c.in)
			require.Equal(t, c.want, shown(s))
			bytewise := fresh(10, 4)
			for i := range len(c.in) {
				_, _ = bytewise.Write([]byte{c.in[i]})
			}
			require.Equal(t, shown(s), shown(bytewise))
			same(t, s, again(s))
		})
	}
}

// again is a new terminal that was sent the snapshot of s.
func again(s *screen.Screen) *screen.Screen {
	n := fresh(s.Size())
	_, _ = n.Write(s.Snapshot())
	return n
}

// same wants both to be equal in all that can be seen or can matter later.
func same(t *testing.T, a, b *screen.Screen) {
	t.Helper()
	require.Equal(t, screen.Describe(a), screen.Describe(b), "%q", a.Snapshot())
}

func TestQueriesAreAnsweredNotRepeated(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	s := screen.New(screen.Options{Cols: 80, Rows: 24, Reply: func(p []byte) { got.Write(p) }})
	write(s, "ab\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b]11;?\x1b\\")
	require.Equal(t, "\x1b[?1;2c\x1b[>0;276;0c\x1b[0n\x1b[1;3R", got.String())
	got.Reset()
	copied := screen.New(screen.Options{Cols: 80, Rows: 24, Reply: func(p []byte) { got.Write(p) }})
	_, _ = copied.Write(s.Snapshot())
	require.Empty(t, got.String())
}

func TestHistory(t *testing.T) {
	t.Parallel()
	s := screen.New(screen.Options{Cols: 20, Rows: 3, History: 100, HistoryBytes: 1 << 20})
	for i := range 1000 {
		write(s, fmt.Sprintf("\x1b[3%dmline %d\x1b[m\r\n", i%8, i))
	}
	require.Equal(t, 100, s.HistoryLen())
	n := screen.New(screen.Options{Cols: 20, Rows: 3, History: 100, HistoryBytes: 1 << 20})
	_, _ = n.Write(s.Snapshot())
	same(t, s, n)
	require.Equal(t, s.HistoryLen(), n.HistoryLen())

	small := screen.New(screen.Options{Cols: 1000, Rows: 3, History: 10000, HistoryBytes: 10000})
	for range 100 {
		write(small, strings.Repeat("x", 900)+"\r\n")
	}
	require.Equal(t, 10, small.HistoryLen(), "bounded in bytes")
}

func TestUnfinishedSequenceGoesOn(t *testing.T) {
	t.Parallel()
	for _, whole := range []string{"a\x1b[3;4Hb", "a漢b", "\x1b]0;title\x07b", "\x1bP" + strings.Repeat("x", 9000) + "\x1b\\b", "\x1b(0q", "\x1b[38;2;1;2;3mz"} {
		for cut := 0; cut < len(whole); cut += 1 + len(whole)/100 {
			s := fresh(20, 5)
			write(s, whole[:cut])
			n := again(s)
			write(s, whole[cut:])
			write(n, whole[cut:])
			same(t, s, n)
		}
	}
}

func TestResize(t *testing.T) {
	t.Parallel()
	s := fresh(20, 4)
	write(s, "0123456789abcdefghij0123\r\n$ ")
	s.Resize(10, 4)
	require.Equal(t, "0123456789\nabcdefghij\n0123\n$", shown(s))
	x, y := s.Cursor()
	require.Equal(t, []int{2, 3}, []int{x, y})
	s.Resize(12, 4)
	require.Equal(t, "0123456789ab\ncdefghij0123\n$", shown(s))
	s.Resize(20, 2)
	require.Equal(t, "0123\n$", shown(s))
	require.Equal(t, 1, s.HistoryLen())
	same(t, s, again(s))

	write(s, "\x1b[?1049h\x1b[2;20Hend")
	s.Resize(5, 5)
	s.Resize(0, 1<<20)
	_, rows := s.Size()
	require.Equal(t, screen.MaxRows, rows)
	same(t, s, again(s))
}

// pieces are what the random programs below are made of.
func pieces() []string {
	out := []string{"\r", "\n", "\r\n", "\b", "\t", "text", "long text that wraps at the edge of the screen", "漢字", "e\u0301", "漢",
		"\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bM", "\x1bH", "\x1b=", "\x1b>", "\x1b(0", "\x1b(B", "\x1b)0", "\x0e", "\x0f", "\x1b#8",
		"\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?47l", "\x1b[?7l", "\x1b[?7h", "\x1b[?6h", "\x1b[?6l", "\x1b[4h", "\x1b[4l",
		"\x1b[?25l", "\x1b[?25h", "\x1b[?2004h", "\x1b[?1000h", "\x1b[?1002h", "\x1b[?1006h", "\x1b[?1002l", "\x1b[20h", "\x1b[20l",
		"\x1b[1;31m", "\x1b[4:3;58:5:9m", "\x1b[38;5;200;48;2;1;2;3m", "\x1b[7m", "\x1b[m", "\x1b[0;44m", "\x1b[3g", "\x1b[!p", "\x1b[3 q",
		"\x1b[r", "\x1b]2;name\x07", "\x1b]11;#123456\x1b\\", "\x1b[>4;2m"}
	for _, c := range "ABCDEFGHIJKLMPSTXZ@`abdefg" {
		out = append(out, fmt.Sprintf("\x1b[%c", c), fmt.Sprintf("\x1b[2%c", c), fmt.Sprintf("\x1b[3;4%c", c), fmt.Sprintf("\x1b[7;9%c", c))
	}
	return append(out, "\x1b[2;4r", "\x1b[1;3r", "\x1b[3;6r")
}

// TestRandomPrograms: what a viewer sees that attaches at any moment is what one
// sees that was there all the time, then and later.
func TestRandomPrograms(t *testing.T) {
	t.Parallel()
	all := pieces()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 7))
		s := fresh(4+random.IntN(30), 2+random.IntN(8))
		var program strings.Builder
		step := func(to ...*screen.Screen) {
			p := all[random.IntN(len(all))]
			fmt.Fprintf(&program, "%q ", p)
			for _, x := range to {
				write(x, p)
			}
		}
		for range 60 {
			step(s)
		}
		late := again(s)
		require.Equal(t, screen.Describe(s), screen.Describe(late), "seed %d: %s\nsnapshot %q", seed, program.String(), s.Snapshot())
		for _, x := range []*screen.Screen{s, late} {
			write(x, "\r") // a character repeated over an attach is not
		}
		for range 60 {
			step(s, late)
		}
		require.Equal(t, screen.Describe(s), screen.Describe(late), "seed %d, later: %s", seed, program.String())
	}
}

func FuzzWrite(f *testing.F) {
	for _, p := range pieces() {
		f.Add([]byte(p), uint16(20), uint16(5))
	}
	f.Fuzz(func(t *testing.T, p []byte, cols, rows uint16) {
		s := fresh(20, 5)
		_, _ = s.Write(p)
		s.Resize(int(cols%80), int(rows%30))
		_, _ = s.Write(p)
		a := again(s)
		require.Equal(t, s.Text(), a.Text(), "%q", p)
		require.Equal(t, s.Title(), a.Title())
	})
}

func BenchmarkWrite(b *testing.B) {
	for name, text := range map[string]string{
		"plain": strings.Repeat("The quick brown fox jumps over the lazy dog. 0123456789\r\n", 1000),
		"color": strings.Repeat("\x1b[1;34mdrwxr-xr-x\x1b[m 2 \x1b[38;5;12mroot\x1b[0m\r\n", 1000),
	} {
		b.Run(name, func(b *testing.B) {
			s := screen.New(screen.Options{Cols: 120, Rows: 40, History: 10000, HistoryBytes: 8 << 20})
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				write(s, text)
			}
		})
	}
	b.Run("snapshot", func(b *testing.B) {
		s := screen.New(screen.Options{Cols: 120, Rows: 40, History: 10000, HistoryBytes: 8 << 20})
		for i := range 11000 {
			write(s, fmt.Sprintf("\x1b[1;34mline\x1b[m %d of many lines in a terminal\r\n", i))
		}
		for b.Loop() {
			b.SetBytes(int64(len(s.Snapshot())))
		}
	})
}
