//go:build linux

package servetest

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// log collects what a process writes.
type log struct {
	mu   sync.Mutex // guards what follows
	b    strings.Builder
	more chan struct{} // closed and replaced at each write

	r     *os.File
	ended chan struct{} // closed by the reader of r
}

func newLog() *log { return &log{more: make(chan struct{})} }

// writer returns a file whose content goes to the log, and a function to be
// called after the end of the process, which returns when all that it wrote is in
// the log. The end of the pipe would not do: grandchildren may hold it open. The
// caller closes the log when nobody writes any more: who writes to a pipe without
// a reader is killed.
func (l *log) writer(t testing.TB) (*os.File, func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	marked := make(chan struct{})
	l.r, l.ended = r, make(chan struct{})
	go func() {
		defer close(l.ended)
		buf := make([]byte, 32<<10)
		seen := false
		for {
			n, err := r.Read(buf)
			text, _, marker := bytes.Cut(buf[:n], []byte{0})
			l.add(text)
			if marker && !seen {
				seen = true
				close(marked)
			}
			if err != nil {
				return
			}
		}
	}()
	return w, func() {
		_, _ = w.Write([]byte{0}) // the reader is there until close
		_ = w.Close()
		select {
		case <-marked:
		case <-l.ended:
		}
	}
}

func (l *log) close() {
	_ = l.r.Close()
	<-l.ended
}

func (l *log) add(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	close(l.more)
	l.more = make(chan struct{})
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// wait returns the text so far and a channel that is closed when there is more.
func (l *log) wait() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String(), l.more
}
