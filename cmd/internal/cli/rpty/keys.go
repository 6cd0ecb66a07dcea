package rpty

import (
	"context"
	"strings"
	"unicode/utf8"
)

// endOfInput is what a terminal sends for Ctrl-D.
const endOfInput = "\x04"

// readKeys reads our input until it or ctx ends. The end of a file or pipe is
// passed on as Ctrl-D; that of a terminal means that its window is gone.
func (v *viewer) readKeys(ctx context.Context) {
	defer close(v.keys)
	_, terminal := v.env.TerminalIn()
	e := escapes{on: terminal, fresh: true}
	buf := make([]byte, 32<<10)
	kept := 0    // bytes of a character that is not whole yet
	line := true // whole lines were read so far
	for {
		n, err := v.env.Stdin.Read(buf[kept:])
		n += kept
		whole := wholeUTF8(buf[:n])
		text, leave := e.filter(string(buf[:whole]))
		kept = copy(buf, buf[whole:n])
		if err != nil && !terminal {
			text += string(buf[:kept])
			if text != "" {
				line = strings.HasSuffix(text, "\n")
			}
			if !line {
				text += endOfInput // sends the line that has no end
			}
			text += endOfInput
		}
		if text != "" && !v.pass(ctx, text) {
			return
		}
		line = strings.HasSuffix(text, "\n") || text == "" && line
		switch {
		case leave || err != nil && terminal:
			return
		case err != nil:
			<-ctx.Done() // the program's end is what we wait for
			return
		}
	}
}

func (v *viewer) pass(ctx context.Context, text string) bool {
	select {
	case v.keys <- text:
		return true
	case <-ctx.Done():
		return false
	}
}

// wholeUTF8 is the length of p without a last character that has only begun:
// messages are JSON, which has no room for parts of one.
func wholeUTF8(p []byte) int {
	for i := len(p) - 1; i >= 0 && i >= len(p)-utf8.UTFMax; i-- {
		if utf8.RuneStart(p[i]) {
			if utf8.FullRune(p[i:]) {
				return len(p)
			}
			return i
		}
	}
	return len(p)
}

// escapes finds Enter ~ . and takes it out; Enter ~ ~ is one ~.
type escapes struct {
	on           bool
	fresh, tilde bool // the last key was Enter; the one after it ~
}

func (e *escapes) filter(in string) (out string, leave bool) {
	if !e.on {
		return in, false
	}
	b := make([]byte, 0, len(in)+1)
	for i := range len(in) {
		c := in[i]
		if e.tilde {
			e.tilde = false
			switch c {
			case '.':
				return string(b), true
			case '~':
			default:
				b = append(b, '~')
			}
		} else if e.fresh && c == '~' {
			e.tilde, e.fresh = true, false
			continue
		}
		b = append(b, c)
		e.fresh = c == '\r' || c == '\n'
	}
	return string(b), false
}
