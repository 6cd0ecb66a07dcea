package scripts

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/quartz"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

const (
	// flushDelay gathers lines into one request; people see them within 250 ms.
	flushDelay    = 100 * time.Millisecond
	maxBatchLines = 1000
	maxBatchBytes = 256 << 10
)

// logQueue holds lines that wait to be sent. It is bounded because an agent may
// log agentrpc.MaxLogBytes in all: what comes later is dropped, with a mark.
type logQueue struct {
	clock    quartz.Clock
	reporter Reporter
	log      *slog.Logger
	wake     chan struct{} // there are lines; holds one
	hurry    chan struct{} // somebody waits in flush; holds one

	mu      sync.Mutex
	pending []entry
	busy    bool // a batch is under way
	waiters []chan struct{}
	total   int
	full    bool
	last    time.Time
}

type entry struct {
	source api.ID
	log    agentrpc.Log
}

func newLogQueue(clock quartz.Clock, reporter Reporter, log *slog.Logger) *logQueue {
	return &logQueue{clock: clock, reporter: reporter, log: log,
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
}

// add never blocks. Times grow strictly, so that a batch that was sent twice can
// be told from a second line with the same text.
func (q *logQueue) add(source api.ID, level api.LogLevel, line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full {
		return
	}
	if q.total+len(line) > agentrpc.MaxLogBytes {
		q.full = true
		level, line = api.LogWarn, fmt.Sprintf("The log limit of %d bytes is reached; further output is not sent.", agentrpc.MaxLogBytes)
	}
	q.total += max(agentrpc.MinLogCost, len(line))
	now := q.clock.Now().UTC().Truncate(time.Microsecond)
	if !now.After(q.last) {
		now = q.last.Add(time.Microsecond)
	}
	q.last = now
	q.pending = append(q.pending, entry{source, agentrpc.Log{CreatedAt: now, Level: level, Output: line}})
	signal(q.wake)
}

// run sends until ctx ends.
func (q *logQueue) run(ctx context.Context) {
	defer q.release()
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		}
		timer := q.clock.NewTimer(flushDelay, "logs")
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-q.hurry:
			timer.Stop()
		case <-timer.C:
		}
		for {
			batch, ok := q.take()
			if !ok {
				break
			}
			if err := q.reporter.PatchLogs(ctx, batch); err != nil {
				if ctx.Err() != nil {
					return
				}
				q.log.Warn("logs refused", "lines", len(batch.Logs), "error", err)
			}
		}
	}
}

// take removes the next batch: lines of one source, in order. ok is false, and
// those who wait are woken, when there is none.
func (q *logQueue) take() (batch agentrpc.PatchLogs, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = len(q.pending) > 0
	if !q.busy {
		q.releaseLocked()
		return batch, false
	}
	batch.LogSourceID = q.pending[0].source
	bytes := 0
	var rest []entry
	for i, e := range q.pending {
		if len(batch.Logs) == maxBatchLines || bytes > maxBatchBytes {
			rest = append(rest, q.pending[i:]...)
			break
		}
		if e.source != batch.LogSourceID {
			rest = append(rest, e)
			continue
		}
		batch.Logs = append(batch.Logs, e.log)
		bytes += len(e.log.Output)
	}
	q.pending = rest
	return batch, true
}

func (q *logQueue) flush(ctx context.Context) {
	q.mu.Lock()
	if len(q.pending) == 0 && !q.busy {
		q.mu.Unlock()
		return
	}
	done := make(chan struct{})
	q.waiters = append(q.waiters, done)
	q.mu.Unlock()
	signal(q.wake)
	signal(q.hurry)
	select {
	case <-ctx.Done():
	case <-done:
	}
}

func (q *logQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.releaseLocked()
}

func (q *logQueue) releaseLocked() {
	for _, w := range q.waiters {
		close(w)
	}
	q.waiters = nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// isFull reports whether whatever is added will be dropped.
func (q *logQueue) isFull() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.full
}

// lineWriter cuts a stream into lines of at most agentrpc.MaxLogLine bytes.
type lineWriter struct {
	emit func(line string)
	// full says that nobody wants lines any more: what a script prints beyond all
	// limits must cost next to nothing.
	full func() bool
	buf  []byte
	cut  bool // the rest of this line is dropped
}

// Write never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	if w.full() {
		w.buf, w.cut = nil, false
		return n, nil
	}
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		room := agentrpc.MaxLogLine - len(cutMark) - len(w.buf)
		w.cut = w.cut || len(line) > room
		w.buf = append(w.buf, line[:min(len(line), room)]...)
		if ended {
			w.line()
		}
		p = rest
	}
	return n, nil
}

const cutMark = " [line cut]"

// Close emits a last line that has no end.
func (w *lineWriter) Close() {
	if len(w.buf) > 0 {
		w.line()
	}
}

func (w *lineWriter) line() {
	line := inert(w.buf)
	if w.cut {
		line += cutMark
	}
	w.buf, w.cut = w.buf[:0], false
	w.emit(line)
}

// inert makes text of what may be anything: what is not UTF-8 and control
// characters other than tab and escape (colours) become U+FFFD. Where logs are
// shown, escapes are handled again: this is the workspace's own word.
func inert(b []byte) string {
	s := strings.ToValidUTF8(strings.TrimSuffix(string(b), "\r"), string(utf8.RuneError))
	s = strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\t' && r != '\x1b' && r != '\r') || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return utf8.RuneError
		}
		return r
	}, s)
	if len(s) > agentrpc.MaxLogLine-len(cutMark) { // replacements are longer
		s = strings.ToValidUTF8(s[:agentrpc.MaxLogLine-len(cutMark)], "") + cutMark
	}
	return s
}
