package devurl

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"
)

const (
	lineBuffer = 4 << 10
	sweepEvery = 5 * time.Second
	// maxInterim bounds the answers with a status of 1xx before the real one.
	maxInterim = 8
)

// lines keeps connections to applications and asks on them what most requests are:
// something without a body, in plain HTTP. Whoever asks writes and reads itself, so
// an answer costs no hand-over between goroutines. All other requests go through
// other. What is HTTP in it is the standard library's.
//
// A line goes: dialled → asked → answered to the end → kept → asked …, and is reset
// where anything else happens.
type lines struct {
	other http.RoundTripper
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	clock quartz.Clock
	kick  chan struct{} // holds one: there is something to sweep

	mu     sync.Mutex // guards what follows
	idle   map[string][]*line
	kept   int
	closed bool
}

// line is one connection. A user owns it alone.
type line struct {
	conn  net.Conn
	key   string        // the address
	br    *bufio.Reader // nil while it is kept
	head  int           // bytes that the head of an answer may still have; negative: any
	asked bool          // a request was sent on it, whose answer has begun
	since time.Time     // it is kept
}

var (
	errLongHead = errors.New("the head of its answer is too long")
	errInterim  = errors.New("it gives too many answers before the real one")
	errUnasked  = errors.New("it switched protocols without being asked")
	// errNothing is a line that ended before an answer began.
	errNothing = errors.New("it closed the connection")
)

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, lineBuffer) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, lineBuffer) }}
)

func newLines(other http.RoundTripper, c quartz.Clock, dial func(ctx context.Context, network, address string) (net.Conn, error)) *lines {
	return &lines{other: other, dial: dial, clock: c, kick: make(chan struct{}, 1), idle: map[string][]*line{}}
}

// switched is the error of a request after which the line speaks another protocol.
type switched struct {
	line *line
	res  *http.Response
	stop func() bool // lets ctx end without the line
}

func (*switched) Error() string { return "it speaks another protocol now" }

// easy reports whether a request can be asked again, and is asked on a line.
func easy(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions) &&
		(r.Body == nil || r.Body == http.NoBody) && r.ContentLength == 0 && len(r.Trailer) == 0 && len(r.Header["Expect"]) == 0
}

// RoundTrip implements http.RoundTripper.
func (t *lines) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" || !easy(r) {
		return t.other.RoundTrip(r)
	}
	l := t.asked(r)
	if l == nil {
		l = t.take(r.URL.Host)
	}
	for {
		kept := l != nil
		if !kept {
			conn, err := t.dial(r.Context(), "tcp", r.URL.Host)
			if err != nil {
				return nil, err
			}
			l = &line{conn: conn, key: strings.Clone(r.URL.Host)}
		}
		res, err := t.ask(r, l)
		var other *switched
		if err == nil || errors.As(err, &other) {
			return res, err
		}
		reset(l.conn)
		switch {
		case r.Context().Err() != nil:
			return nil, r.Context().Err()
		case !kept || !errors.Is(err, errNothing):
			return nil, err
		}
		l = nil // it was closed while it was kept
	}
}

// asked takes the line on which a request was asked already.
func (t *lines) asked(r *http.Request) *line {
	h := hopOf(r.Context())
	if h == nil || h.asked == nil {
		return nil
	}
	l := h.asked
	h.asked, l.asked = nil, true
	return l
}

// ready gets a line its buffer.
func (l *line) ready() {
	if l.br == nil {
		l.br = readers.Get().(*bufio.Reader) //nolint:forcetypeassert // nothing else is put
		l.br.Reset(l)
	}
}

// ask asks on a line.
func (t *lines) ask(r *http.Request, l *line) (*http.Response, error) {
	stop := context.AfterFunc(r.Context(), func() { reset(l.conn) })
	l.ready()
	res, err := l.converse(r)
	if err != nil {
		stop()
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil, &switched{line: l, res: res, stop: stop}
	}
	body := &lineBody{rest: res.Body, lines: t, line: l, stop: stop, keep: !res.Close}
	if res.Body == http.NoBody {
		body.end(true)
	} else {
		res.Body = body
	}
	return res, nil
}

// converse sends a request and reads the head of its answer.
func (l *line) converse(r *http.Request) (*http.Response, error) {
	if !l.asked {
		err := l.write(r)
		l.head = maxAnswerHead
		if _, rerr := l.br.Peek(1); rerr != nil {
			return nil, errors.Join(errNothing, err, rerr)
		}
	}
	l.asked = false
	// What was sent in part may have been answered: that it is too long, say.
	trace := httptrace.ContextClientTrace(r.Context())
	for range maxInterim {
		res, err := http.ReadResponse(l.br, r)
		if err != nil {
			return nil, err
		}
		switch code := res.StatusCode; {
		case code == http.StatusSwitchingProtocols && r.Header.Get("Upgrade") == "":
			return nil, errUnasked
		case code >= 200 || code == http.StatusSwitchingProtocols:
			l.head = -1
			return res, nil
		case code != http.StatusContinue && trace != nil && trace.Got1xxResponse != nil:
			if err := trace.Got1xxResponse(code, textproto.MIMEHeader(res.Header)); err != nil {
				return nil, err
			}
		}
	}
	return nil, errInterim
}

func (l *line) write(r *http.Request) error {
	bw := writers.Get().(*bufio.Writer) //nolint:forcetypeassert // nothing else is put
	bw.Reset(l.conn)
	err := r.Write(bw)
	if err == nil {
		err = bw.Flush()
	}
	bw.Reset(nil)
	writers.Put(bw)
	return err
}

// Read reads what the application sends; the head of an answer is bounded.
func (l *line) Read(p []byte) (int, error) {
	if l.head < 0 {
		return l.conn.Read(p)
	}
	if l.head == 0 {
		return 0, errLongHead
	}
	n, err := l.conn.Read(p[:min(len(p), l.head)])
	l.head -= n
	return n, err
}

// lineBody is the body of an answer; with its end the line is free.
type lineBody struct {
	rest  io.ReadCloser
	lines *lines
	line  *line
	stop  func() bool
	keep  bool
	ended bool
}

func (b *lineBody) Read(p []byte) (int, error) {
	n, err := b.rest.Read(p)
	if err != nil {
		b.end(errors.Is(err, io.EOF))
	}
	return n, err
}

func (b *lineBody) Close() error {
	b.end(false)
	return nil
}

// end gives the line back once.
func (b *lineBody) end(whole bool) {
	if b.ended {
		return
	}
	b.ended = true
	free := b.stop()
	switch {
	case !whole || !free:
		reset(b.line.conn)
	case b.keep:
		b.lines.give(b.line)
	default:
		_ = b.line.conn.Close()
	}
}

// give takes a line back whose answer has been read, and keeps it where it is good
// for another.
func (t *lines) give(l *line) {
	if l.br.Buffered() == 0 && quiet(l.conn) {
		t.put(l)
		return
	}
	_ = l.conn.Close()
}

// quiet reports whether a connection is worth keeping: the other side is there and
// has said nothing. Those that cannot tell are not kept.
func quiet(c net.Conn) bool {
	q, ok := c.(interface{ Quiet() bool })
	return ok && q.Quiet()
}

// reset ends a connection so that what came is not taken for all there was.
func reset(c net.Conn) {
	if r, ok := c.(interface{ Reset() }); ok {
		r.Reset()
		return
	}
	_ = c.Close()
}

// take returns a line that is kept, or nil.
func (t *lines) take(key string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.idle[key]
	for n := len(list); n > 0; n-- {
		l := list[n-1]
		list[n-1] = nil
		t.kept--
		if n == 1 {
			delete(t.idle, key)
		} else {
			t.idle[key] = list[:n-1]
		}
		if quiet(l.conn) {
			return l
		}
		_ = l.conn.Close()
	}
	return nil
}

// put keeps a line for the next request.
func (t *lines) put(l *line) {
	l.br.Reset(nil)
	readers.Put(l.br)
	l.br, l.since = nil, t.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.kept >= maxIdle || len(t.idle[l.key]) >= maxIdlePerApp {
		_ = l.conn.Close()
		return
	}
	t.idle[l.key] = append(t.idle[l.key], l)
	t.kept++
	if t.kept == 1 {
		select {
		case t.kick <- struct{}{}:
		default:
		}
	}
}

// run closes what is kept for long until ctx ends, then all that is kept. It wakes
// only while there is something.
func (t *lines) run(ctx context.Context) {
	defer t.sweep(true)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.kick:
		}
		for more := true; more; more = t.sweep(false) > 0 {
			timer := t.clock.NewTimer(sweepEvery, "devurl", "lines")
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
		}
	}
}

// sweep closes lines that were kept for long or have ended, and returns how many
// are left.
func (t *lines) sweep(all bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = t.closed || all
	now := t.clock.Now()
	for key, list := range t.idle {
		left := list[:0]
		for _, l := range list {
			if all || now.Sub(l.since) >= idleTimeout || !quiet(l.conn) {
				_ = l.conn.Close()
				t.kept--
				continue
			}
			left = append(left, l)
		}
		clear(list[len(left):])
		if t.idle[key] = left; len(left) == 0 {
			delete(t.idle, key)
		}
	}
	return t.kept
}
