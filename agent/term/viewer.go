package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api/termrpc"
)

// viewer is one connection to a terminal. Its fields but conn, clock, wait and room
// are guarded by the session's mu.
type viewer struct {
	conn  net.Conn
	clock quartz.Clock
	wait  chan struct{} // holds one: there is something to send
	room  chan struct{} // holds one: the queue was taken

	queue      [][]byte
	size       int  // bytes in queue
	behind     bool // the picture is sent in place of what was missed
	cut        bool // must go
	cols, rows int
	heard      time.Time
}

func newViewer(clock quartz.Clock, conn net.Conn) *viewer {
	return &viewer{conn: conn, clock: clock, wait: make(chan struct{}, 1), room: make(chan struct{}, 1), heard: clock.Now()}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (v *viewer) wake() { signal(v.wait) }

// push queues output, which is shared and not changed. Who is behind gets the
// picture later.
func (v *viewer) push(p []byte) {
	switch {
	case v.behind:
	case v.size+len(p) > backlog:
		v.queue, v.size, v.behind = nil, 0, true
	default:
		v.queue = append(v.queue, p)
		v.size += len(p)
	}
	v.wake()
}

// add gives the terminal a viewer; false where it has ended.
func (s *session) add(v *viewer, init termrpc.Init) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if len(s.viewers) >= s.opts.MaxViewers {
		s.cutOldest()
	}
	v.cols, v.rows = sizeOf(init.Width, init.Height)
	s.viewers = append(s.viewers, v)
	s.resize()
	v.behind = true
	v.wake()
	signal(s.left)
	return true
}

// cutOldest makes room: the viewer that was silent for longest is probably one
// whose server is gone.
func (s *session) cutOldest() {
	oldest := slices.MinFunc(s.viewers, func(a, b *viewer) int { return a.heard.Compare(b.heard) })
	oldest.cut = true
	oldest.wake()
	s.remove(oldest)
}

// detach takes a viewer away; it may be gone already.
func (s *session) detach(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.cut = true
	v.wake()
	s.remove(v)
}

func (s *session) remove(v *viewer) {
	i := slices.Index(s.viewers, v)
	if i < 0 {
		return
	}
	s.viewers = slices.Delete(s.viewers, i, i+1)
	signal(v.room)
	s.resize()
	signal(s.left)
}

// send writes to a viewer until it is cut, does not take it, or the terminal ends.
func (s *session) send(v *viewer) {
	alive := s.opts.Clock.NewTicker(termrpc.AliveInterval, "term", "alive")
	defer alive.Stop()
	out := make([]byte, 0, 32<<10)
	for {
		select {
		case <-v.wait:
		case <-alive.C:
			if v.write(termrpc.KindAlive, nil) != nil {
				return
			}
			continue
		}
		for {
			next, last, ok := s.next(v, out)
			if !ok {
				break
			}
			if last || v.output(next) != nil {
				return
			}
		}
	}
}

// next takes what v is to get now; last says that nothing follows. With the end of
// the terminal it says so to the viewer.
func (s *session) next(v *viewer, out []byte) (p []byte, last, ok bool) {
	s.mu.Lock()
	ended, code := s.ended, s.exitCode
	switch {
	case v.cut:
		s.mu.Unlock()
		return nil, true, true
	case v.behind:
		p, v.behind, ok = s.picture(), false, true
	case v.size > 0:
		p, ok = out[:0], true
		for _, q := range v.queue {
			p = append(p, q...)
		}
		v.queue, v.size = nil, 0
	}
	s.mu.Unlock()
	if ok {
		signal(v.room)
		return p, false, true
	}
	if !ended {
		return nil, false, false
	}
	payload, _ := json.Marshal(termrpc.End{ExitCode: code}) // cannot fail
	_ = v.write(termrpc.KindEnd, payload)
	return nil, true, true
}

// output sends bytes of the terminal in frames.
func (v *viewer) output(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), termrpc.MaxOutput)
		if err := v.write(termrpc.KindOutput, p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// write sends one frame; a viewer that does not take it in time is given up.
func (v *viewer) write(kind byte, p []byte) error {
	_ = v.conn.SetWriteDeadline(time.Now().Add(termrpc.Silence))
	return termrpc.WriteFrame(v.conn, kind, p)
}

// receive reads from a viewer until it is silent for too long or gone.
func (s *session) receive(v *viewer) error {
	var buf []byte
	for {
		_ = v.conn.SetReadDeadline(time.Now().Add(termrpc.Silence))
		kind, payload, grown, err := termrpc.ReadFrame(v.conn, buf, termrpc.MaxInput)
		buf = grown
		if err != nil {
			return err
		}
		if cap(buf) > 64<<10 {
			buf = nil // a large paste is rare
		}
		s.noteHeard(v)
		switch kind {
		case termrpc.KindAlive:
		case termrpc.KindInput:
			inputs, err := termrpc.ParseInput(payload)
			if err != nil {
				return err
			}
			for _, in := range inputs {
				s.take(v, in)
			}
		default:
			return fmt.Errorf("frame of kind %d is not expected", kind)
		}
	}
}

func (s *session) noteHeard(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.heard = v.clock.Now()
}

// take does one message of a viewer. What a terminal sends by itself, in answer to
// a query of the program, counts from the active viewer only: the program asked
// once and wants one answer.
func (s *session) take(v *viewer, in termrpc.Input) {
	answer := isAnswer([]byte(in.Data))
	s.mu.Lock()
	active := len(s.viewers) > 0 && s.viewers[len(s.viewers)-1] == v
	if in.Width != 0 && in.Height != 0 {
		v.cols, v.rows = int(in.Width), int(in.Height)
	}
	if !active && !answer {
		if i := slices.Index(s.viewers, v); i >= 0 {
			s.viewers = append(slices.Delete(s.viewers, i, i+1), v)
			active = true
		}
	}
	if active {
		s.resize()
	}
	s.mu.Unlock()
	if in.Data != "" && (active || !answer) {
		s.enter([]byte(in.Data))
	}
}

// isAnswer recognises reports of terminals: cursor position, attributes, status,
// colours, settings, focus.
func isAnswer(p []byte) bool {
	if len(p) < 3 || p[0] != 0x1b {
		return false
	}
	switch p[1] {
	case ']', 'P':
		return bytes.HasSuffix(p, []byte("\x1b\\")) || p[len(p)-1] == 0x07
	case '[':
	default:
		return false
	}
	body, last := p[2:len(p)-1], p[len(p)-1]
	if i := bytes.IndexFunc(body, func(r rune) bool {
		return (r < '0' || r > '9') && r != ';' && r != '?' && r != '>' && r != '=' && r != '$'
	}); i >= 0 {
		return false
	}
	switch last {
	case 'c', 'n', 'y':
		return true
	case 'R': // with one number it is a function key
		return bytes.IndexByte(body, ';') > 0 && !bytes.HasPrefix(body, []byte("1;"))
	case 'O': // focus lost; focus won is a reason to be the active one
		return len(body) == 0
	}
	return false
}
