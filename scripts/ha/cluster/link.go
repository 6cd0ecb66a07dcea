package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Link carries TCP connections to one address and can be cut.
//
// It is open, broken (connections end, new ones are refused by closing them) or
// stalled (nothing moves any more and nobody is told, as with a cable pulled). What
// was on its way when a link stalls arrives when it opens again.
type Link struct {
	target string

	mu       sync.Mutex // guards what follows
	listener net.Listener
	conns    map[net.Conn]bool
	moving   chan struct{} // closed while bytes may move
	broken   bool
	done     bool
	wg       sync.WaitGroup
}

// NewLink describes a link to target; nothing listens yet.
func NewLink(target string) *Link {
	l := &Link{target: target, conns: map[net.Conn]bool{}, moving: make(chan struct{})}
	close(l.moving)
	return l
}

// Addr is where the link takes connections.
func (l *Link) Addr() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.listener.Addr().String()
}

func (l *Link) open(context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("link to %s: %w", l.target, err)
	}
	l.mu.Lock()
	l.listener = listener
	l.mu.Unlock()
	l.wg.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			l.wg.Go(func() { l.carry(c) })
		}
	})
	return nil
}

// Break ends what is open and refuses what comes.
func (l *Link) Break() { l.set(true, false) }

// Stall stops all movement without a word.
func (l *Link) Stall() { l.set(false, true) }

// Heal lets everything pass again.
func (l *Link) Heal() { l.set(false, false) }

func (l *Link) set(broken, stalled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return
	}
	l.broken = broken
	select {
	case <-l.moving:
		if stalled {
			l.moving = make(chan struct{})
		}
	default:
		if !stalled {
			close(l.moving)
		}
	}
	if broken {
		l.hangUp()
	}
}

// hangUp closes all connections; mu is held.
func (l *Link) hangUp() {
	for c := range l.conns {
		_ = c.Close()
	}
}

func (l *Link) close() error {
	l.set(false, false)
	l.mu.Lock()
	var err error
	if l.listener != nil && !l.done {
		err = l.listener.Close()
	}
	l.done = true
	l.hangUp()
	l.mu.Unlock()
	l.wg.Wait()
	return err
}

// keep notes a connection, or closes it when it may not live.
func (l *Link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken || l.done {
		_ = c.Close()
		return false
	}
	l.conns[c] = true
	return true
}

func (l *Link) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	_ = c.Close()
}

func (l *Link) carry(near net.Conn) {
	if !l.keep(near) {
		return
	}
	defer l.drop(near)
	l.wait()
	far, err := net.DialTimeout("tcp", l.target, 2*time.Second)
	if err != nil || !l.keep(far) {
		return
	}
	defer l.drop(far)
	var both sync.WaitGroup
	both.Go(func() { l.copy(far, near) })
	both.Go(func() { l.copy(near, far) })
	both.Wait()
}

// wait blocks while the link is stalled.
func (l *Link) wait() {
	l.mu.Lock()
	moving := l.moving
	l.mu.Unlock()
	<-moving
}

// copy moves one direction, and its end.
func (l *Link) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		l.wait()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				_ = from.Close() // the other direction has no use either
				return
			}
		}
		if err == nil {
			continue
		}
		if half, ok := to.(*net.TCPConn); ok && errors.Is(err, io.EOF) {
			_ = half.CloseWrite()
		} else {
			_ = to.Close()
		}
		return
	}
}
