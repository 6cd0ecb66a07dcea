package mesh

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/derp"
	"tailscale.com/types/key"
)

const (
	// pingEvery is how often a peer is asked for a sign of life. After
	// maxMisses periods without one it is gone. Periods are counted, not time:
	// who was stopped for a while must not take the others for dead.
	pingEvery = 2 * time.Second
	maxMisses = 3
	// A link is dialled again after firstPause, which doubles up to lastPause
	// until one lives for steady. The sum with its jitter is below lastPause.
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
	steady     = 10 * time.Second
	// writeTimeout ends a link whose peer does not read.
	writeTimeout = 10 * time.Second
	writeBuffer  = 64 << 10
	// somePackets is after how many written packets the link is known to move.
	somePackets = 32
)

var errSilent = errors.New("the replica does not answer any more")

// link is the connection to one peer, again and again until run's ctx ends.
type link struct {
	mesh  *Mesh
	peer  Peer
	log   *slog.Logger
	queue *queue
	stop  context.CancelCauseFunc // ends run; set before it starts
	heard atomic.Bool             // something, since it was last looked at

	mu   sync.Mutex // guards all below
	up   time.Time
	err  error
	trip time.Duration
	ping uint64    // the last one's number
	sent time.Time // when it was
}

func newLink(m *Mesh, p Peer) *link {
	l := &link{mesh: m, peer: p, log: m.log.With("replica_id", p.ID), queue: newQueue()}
	l.queue.reset(true)
	return l
}

func (l *link) status() Link {
	nodes := l.mesh.here.count(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Link{Peer: l.peer, Up: l.up, Trip: l.trip, Nodes: nodes, Lost: l.queue.lost.Load()}
	if l.err != nil {
		s.Error = l.err.Error()
	}
	return s
}

// run keeps the connection until ctx ends.
func (l *link) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		began := l.mesh.cfg.Clock.Now("mesh", "dial")
		err := l.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if l.mesh.cfg.Clock.Since(began, "mesh", "broke") >= steady {
			pause = firstPause
		}
		l.failed(err)
		t := l.mesh.cfg.Clock.NewTimer(min(lastPause, time.Duration(float64(pause)*(1+l.mesh.cfg.Jitter()))), "mesh", "redial")
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		pause = min(2*pause, lastPause)
	}
}

// failed notes why the link is down, and says so where it is news.
func (l *link) failed(err error) {
	l.mu.Lock()
	news := !l.up.IsZero() || l.err == nil || l.err.Error() != err.Error()
	l.up, l.err, l.trip = time.Time{}, err, 0
	l.mu.Unlock()
	level := slog.LevelDebug
	if news {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, "no link to the relay of another replica", "url", l.peer.URL, "error", err)
}

// once dials and serves one connection.
func (l *link) once(ctx context.Context) error {
	c, err := l.mesh.dial(ctx, l.peer)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	l.queue.reset(false)
	l.mesh.here.join(l)
	control := make(chan control, 8)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.write(ctx, c, control); err != nil {
			end(err)
		}
	})
	wg.Go(func() {
		if l.watch(ctx, control) {
			end(errSilent)
		}
	})
	l.mu.Lock()
	l.up, l.err = l.mesh.cfg.Clock.Now("mesh", "up"), nil
	l.mu.Unlock()
	l.log.Info("link to the relay of another replica is up", "url", l.peer.URL)
	end(l.read(c, control))
	l.mesh.here.leave(l)
	l.queue.reset(true)
	wg.Wait()
	return context.Cause(ctx)
}

// read takes what the peer tells until the connection ends.
func (l *link) read(c *conn, out chan<- control) error {
	for {
		m, err := c.client.Recv()
		if err != nil {
			return fmt.Errorf("the connection broke: %w", err)
		}
		l.heard.Store(true)
		switch m := m.(type) {
		case derp.PeerPresentMessage:
			if m.Flags&derp.PeerPresentIsMeshPeer == 0 && l.mesh.here.add(l, m.Key) {
				l.mesh.cfg.Relay.Elsewhere(m.Key)
			}
		case derp.PeerGoneMessage:
			// The other reason answers a packet and may overtake the news that
			// the node has come.
			if m.Reason == derp.PeerGoneReasonDisconnected {
				l.mesh.here.remove(l, m.Peer)
			}
		case derp.PingMessage:
			offer(out, control{derp.FramePong, m})
		case derp.PongMessage:
			l.pong(m)
		}
	}
}

func (l *link) pong(m derp.PongMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ping == binary.BigEndian.Uint64(m[:]) {
		l.trip = l.mesh.cfg.Clock.Since(l.sent, "mesh", "pong")
	}
}

// control is a ping or a pong.
type control struct {
	kind derp.FrameType
	data [8]byte
}

// offer leaves out what finds no room: the peer asks again.
func offer(out chan<- control, c control) {
	select {
	case out <- c:
	default:
	}
}

// watch asks for signs of life until ctx ends. It returns true when there was
// none for too long.
func (l *link) watch(ctx context.Context, out chan<- control) bool {
	t := l.mesh.cfg.Clock.NewTicker(pingEvery, "mesh", "ping")
	defer t.Stop()
	for misses := 0; ; {
		l.mu.Lock()
		l.ping++
		l.sent = l.mesh.cfg.Clock.Now("mesh", "ping")
		c := control{kind: derp.FramePing}
		binary.BigEndian.PutUint64(c.data[:], l.ping)
		l.mu.Unlock()
		offer(out, c)
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
		}
		misses++
		if l.heard.Swap(false) {
			misses = 0
		}
		if misses == maxMisses {
			return true
		}
	}
}

// write sends what waits until ctx ends or the connection does.
func (l *link) write(ctx context.Context, c *conn, in <-chan control) error {
	w := bufio.NewWriterSize(c, writeBuffer)
	if err := derp.WriteFrameHeader(w, derp.FrameWatchConns, 0); err != nil {
		return err
	}
	for {
		if err := l.drain(c, w); err != nil {
			return fmt.Errorf("write to the replica: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.queue.ready:
		case m := <-in:
			if err := derp.WriteFrameHeader(w, m.kind, uint32(len(m.data))); err != nil {
				return err
			}
			if _, err := w.Write(m.data[:]); err != nil {
				return err
			}
		}
	}
}

// drain sends everything that waits now. Small packets share system calls.
func (l *link) drain(c *conn, w *bufio.Writer) error {
	for n := 0; ; n++ {
		if n%somePackets == 0 {
			l.queue.moved()
			if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
				return err
			}
		}
		p, b, ok := l.queue.pop()
		if !ok {
			break
		}
		if err := packet(w, p, b); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	l.queue.moved()
	return nil
}

func packet(w *bufio.Writer, p pair, b []byte) error {
	if err := derp.WriteFrameHeader(w, derp.FrameForwardPacket, uint32(2*key.NodePublicRawLen+len(b))); err != nil {
		return err
	}
	var keys [2 * key.NodePublicRawLen]byte
	head := p.dst.AppendTo(p.src.AppendTo(keys[:0]))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}
