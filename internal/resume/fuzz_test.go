package resume

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// FuzzFrames lets a hostile carrier say anything to a session: the session must not
// break, and never hold more than it allows.
func FuzzFrames(f *testing.F) {
	f.Add(appendAck(appendHead(nil, frameFin, 0), frameAck, 0, window))
	f.Add(append(appendHead(nil, frameData, 3), "abc"...))
	f.Add(appendAck(nil, frameAck, 1<<63, 1<<63))
	f.Add(appendHead(appendHead(nil, framePing, 0), frameEnd, 0))
	f.Add(appendHead(nil, frameData, 1<<24-1))
	f.Add(greeting{fresh: true, turn: 1}.bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		s := newSession(ID{}, nil, nil)
		if _, err := s.Write([]byte("something that nobody has received")); err != nil {
			t.Fatal(err)
		}
		received, ok := s.take(1)
		if !ok || received != 0 {
			t.Fatal("a new session cannot be taken")
		}
		_ = s.serve(newCarrier(&script{in: bytes.NewReader(in)}), 0)
		if s.in.len() > window || s.out.len() > window || s.taken || s.writing {
			t.Fatalf("a session of %d and %d bytes, taken %v, writing %v", s.in.len(), s.out.len(), s.taken, s.writing)
		}
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add(greeting{fresh: true, watched: true, turn: 7, received: 1 << 40}.bytes())
	f.Add([]byte("crs1"))
	f.Fuzz(func(t *testing.T, in []byte) {
		g, err := readGreeting(bytes.NewReader(in))
		if err == nil && !bytes.Equal(g.bytes(), in[:greetingLength]) {
			t.Fatalf("%x was read as %+v", in, g)
		}
	})
}

// script is a carrier that says what it was given.
type script struct{ in io.Reader }

func (c *script) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *script) Write(p []byte) (int, error)      { return len(p), nil }
func (c *script) Close() error                     { return nil }
func (c *script) LocalAddr() net.Addr              { return nil }
func (c *script) RemoteAddr() net.Addr             { return nil }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }
