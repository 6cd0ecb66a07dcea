// Package mux carries many byte streams over one connection.
//
// It owns framing, the flow control of each stream and the liveness of the
// connection. It never knows what the bytes mean, never authenticates and never
// connects again: with the connection all streams end, and each says so.
//
// One side opens streams, the other handles them. A stream that is not read holds
// up nobody: what arrives for it waits in its window, and its sender waits. A
// window grows while the way there is what limits a stream, out of one budget for
// the connection. An idle stream holds no buffers. What is short and goes to a socket
// (WriteTo) the reader of the connection writes itself, as far as that does not block.
//
// A frame is one byte of kind, three of size, four of stream id (big-endian) and, for
// data, the payload. The states of a stream, as one side sees it:
//
//	open ──CloseWrite──▶ half-closed: still read
//	open ──Close──▶ gone; the peer reads what came before, then end of file
//	open ──Reset, or the connection ends──▶ gone; the peer reads an error
package mux

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Kinds of frames. The size of a window frame is a number of bytes that may be sent
// more; that of open, end, closing, reset, ping and pong is zero.
const (
	kindOpen    byte = 1
	kindData    byte = 2
	kindWindow  byte = 3
	kindEnd     byte = 4 // the sender writes no more
	kindClosing byte = 5 // and reads no more
	kindReset   byte = 6
	kindPing    byte = 7 // the id is a number that pong sends back
	kindPong    byte = 8
)

const (
	headSize  = 8
	maxFrame  = 32 << 10  // bytes of payload
	window    = 128 << 10 // of a new stream, in bytes
	maxWindow = 4 << 20
	// maxExtra bounds what all windows of a session have above the first one, and
	// maxBuffered what a session holds unread; beyond, streams are reset.
	maxExtra    = 32 << 20
	maxBuffered = 64 << 20
	readBuffer  = 64 << 10

	defaultMaxStreams = 4096
	// defaultPing is the pause between pings, silence what ends a session.
	defaultPing = 10 * time.Second
	silence     = 28 * time.Second
)

// Errors of streams and sessions.
var (
	ErrReset    = errors.New("the stream was reset by the other side")
	ErrClosed   = errors.New("the stream connection is closed")
	ErrCrowded  = errors.New("the stream connection has too many streams")
	errSilent   = errors.New("the other side of the stream connection is silent")
	errProtocol = errors.New("the other side of the stream connection does not speak as expected")
)

// Options of a Session.
type Options struct {
	// Handler serves the streams that the other side opens, each in a goroutine of
	// its own that Run waits for; the stream is closed after it. Nil is the side that
	// opens.
	Handler func(*Stream)
	// MaxStreams bounds the streams at a time; zero means 4096.
	MaxStreams int
	// Ping is the pause between two pings; zero means 10 s. A session whose other
	// side is silent for 28 s ends.
	Ping time.Duration
}

// Session is one connection with its streams. Use New, then Run once.
type Session struct {
	conn net.Conn
	o    Options
	w    *writer
	done chan struct{}
	both chan struct{} // closed by the first answer to a ping

	heard    atomic.Int64 // nanoseconds since began
	rtt      atomic.Int64 // nanoseconds; zero until the first pong
	buffered atomic.Int64 // unread bytes of all streams
	began    time.Time
	handlers sync.WaitGroup

	mu      sync.Mutex
	streams map[uint32]*Stream
	nextID  uint32
	opened  int
	extra   int
	err     error // why it ended
}

// New returns a session over conn, which it owns. It starts nothing.
func New(conn net.Conn, o Options) *Session {
	if o.MaxStreams == 0 {
		o.MaxStreams = defaultMaxStreams
	}
	if o.Ping == 0 {
		o.Ping = defaultPing
	}
	return &Session{conn: conn, o: o, w: newWriter(conn), done: make(chan struct{}), both: make(chan struct{}), began: time.Now(),
		streams: map[uint32]*Stream{}}
}

// Run serves the connection until it breaks, the other side leaves or ctx ends, and
// says why. All streams are broken then, and all handlers have returned.
func (s *Session) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.end(context.Cause(ctx)) })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(s.keep)
	s.end(s.read())
	wg.Wait()
	s.handlers.Wait()
	return s.why()
}

// Close ends the session.
func (s *Session) Close() error {
	s.end(ErrClosed)
	return nil
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Answered is closed once the other side has answered: bytes go both ways.
func (s *Session) Answered() <-chan struct{} { return s.both }

// Streams counts those that are open.
func (s *Session) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// Opened counts those that there ever were.
func (s *Session) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *Session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// end breaks everything; the first reason counts.
func (s *Session) end(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	all := s.streams
	s.streams = map[uint32]*Stream{}
	close(s.done)
	s.mu.Unlock()
	_ = s.conn.Close()
	s.w.fail(err)
	for _, st := range all {
		st.broken(fmt.Errorf("stream connection ended: %w", err))
	}
}

// Open opens a stream whose first bytes are head, at most 32 KiB. It does not wait
// for the other side.
func (s *Session) Open(head []byte) (*Stream, error) {
	if s.o.Handler != nil {
		return nil, errors.New("mux: this side opens no streams")
	}
	if len(head) > maxFrame {
		return nil, errors.New("mux: the first bytes are too many")
	}
	s.mu.Lock()
	switch {
	case s.err != nil:
		s.mu.Unlock()
		return nil, ErrClosed
	case len(s.streams) >= s.o.MaxStreams:
		s.mu.Unlock()
		return nil, ErrCrowded
	case s.nextID == 1<<32-1:
		s.mu.Unlock()
		s.end(errors.New("the stream connection is used up"))
		return nil, ErrClosed
	}
	s.nextID++
	st := newStream(s, s.nextID)
	st.sendCredit -= len(head)
	s.streams[st.id] = st
	s.opened++
	s.mu.Unlock()
	if err := s.w.open(st.id, head); err != nil {
		return nil, err
	}
	return st, nil
}

// forget drops a stream that has ended on this side.
func (s *Session) forget(st *Stream, extra int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[st.id] == st {
		delete(s.streams, st.id)
	}
	s.extra -= extra
}

// takeExtra gives a window up to n bytes more out of the budget.
func (s *Session) takeExtra(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = max(0, min(n, maxExtra-s.extra))
	s.extra += n
	return n
}

func (s *Session) find(id uint32) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id]
}

// keep sends what the reader has to say, and pings.
func (s *Session) keep() {
	tick := time.NewTicker(s.o.Ping)
	defer tick.Stop()
	for {
		s.w.control(kindPing, 0, s.clock32(), true)
		for ticked := false; !ticked; {
			select {
			case <-s.done:
				return
			case <-s.w.kick:
				s.w.flushAll()
			case <-tick.C:
				ticked = true
			}
		}
		if time.Since(s.began)-time.Duration(s.heard.Load()) > silence {
			s.end(errSilent)
			return
		}
	}
}

// clock32 is the time in microseconds, as far as 32 bits hold it.
func (s *Session) clock32() uint32 { return uint32(time.Since(s.began).Microseconds()) } //nolint:gosec // wraps by design

// read takes frames until the connection ends.
func (s *Session) read() error {
	br := bufio.NewReaderSize(s.conn, readBuffer)
	var heard time.Duration
	for {
		head, err := br.Peek(headSize)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		kind, size := head[0], int(head[1])<<16|int(head[2])<<8|int(head[3])
		id := binary.BigEndian.Uint32(head[4:])
		_, _ = br.Discard(headSize) // it was peeked
		if now := time.Since(s.began); now-heard > time.Millisecond {
			heard = now
			s.heard.Store(int64(now))
		}
		if kind == kindData {
			err = s.data(br, id, size)
		} else {
			err = s.sign(kind, size, id)
		}
		if err != nil {
			return err
		}
	}
}

func (s *Session) data(br *bufio.Reader, id uint32, size int) error {
	if size > maxFrame {
		return errProtocol
	}
	p, err := br.Peek(size) // less than the buffer holds
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	if st := s.find(id); st != nil {
		if err := st.take(p); err != nil {
			return err
		}
	}
	_, _ = br.Discard(size)
	return nil
}

// sign takes a frame without a payload. It must not block.
func (s *Session) sign(kind byte, size int, id uint32) error {
	switch kind {
	case kindPing:
		s.w.pong(id)
		return nil
	case kindPong:
		if s.rtt.Swap(int64(time.Duration(max(1, s.clock32()-id))*time.Microsecond)) == 0 {
			close(s.both)
		}
		return nil
	case kindOpen:
		return s.accept(id)
	}
	st := s.find(id)
	if st == nil {
		return nil // it ended here while this was on its way
	}
	switch kind {
	case kindWindow:
		return st.more(size)
	case kindEnd:
		st.peerEnded(false)
	case kindClosing:
		st.peerEnded(true)
	case kindReset:
		st.broken(ErrReset)
	default:
		return errProtocol
	}
	return nil
}

func (s *Session) accept(id uint32) error {
	if s.o.Handler == nil || id == 0 {
		return errProtocol
	}
	s.mu.Lock()
	if id <= s.nextID {
		s.mu.Unlock()
		return errProtocol
	}
	s.nextID = id
	if s.err != nil || len(s.streams) >= s.o.MaxStreams {
		s.mu.Unlock()
		s.w.control(kindReset, 0, id, false)
		return nil
	}
	st := newStream(s, id)
	s.streams[id] = st
	s.opened++
	s.handlers.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.handlers.Done()
		defer st.Close() //nolint:errcheck // never fails
		s.o.Handler(st)
	}()
	return nil
}
