package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"coder.internal/internal/pipe"
)

// connection is one client.
type connection struct {
	srv      *Server
	ssh      *ssh.ServerConn
	openSSH  bool
	channels chan struct{}  // one slot per open channel
	wg       sync.WaitGroup // everything but sessions, which may outlive it

	mu        sync.Mutex
	closed    bool
	listeners map[string]*forward

	forwards forwards
}

// serveConn blocks until the connection has ended. It owns conn. Sessions whose
// processes ignore SIGHUP live on in Server.wg.
func (s *Server) serveConn(ctx context.Context, conn net.Conn) {
	defer func() { <-s.slots }()
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	pre, err := exchangeVersions(conn)
	if errors.Is(err, io.EOF) { // a look whether somebody listens
		s.opts.Log.Debug("handshake ended", "error", err)
		return
	}
	if err != nil {
		s.handshakes.warn(s.opts.Log, "handshake ended", "error", err)
		return
	}
	// The SSH library writes a packet in two pieces, which would be packets of
	// their own in the tunnel.
	pre.Conn = pipe.NewBatch(conn, &s.batches)
	defer pre.Close()
	sc, chans, reqs, err := ssh.NewServerConn(pre, s.config(pre))
	if err != nil {
		s.handshakes.warn(s.opts.Log, "handshake ended", "error", err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	if s.opts.MaxTimeout > 0 {
		old := time.AfterFunc(s.opts.MaxTimeout, func() { _ = conn.Close() })
		defer old.Stop()
	}
	c := &connection{srv: s, ssh: sc, openSSH: pre.openSSH(),
		channels: make(chan struct{}, maxChannels), listeners: make(map[string]*forward)}
	connCtx, cancel := context.WithCancel(ctx)
	c.wg.Go(func() { c.globalRequests(connCtx, reqs) })
	c.wg.Go(func() { c.keepAlive(connCtx) })
	for ch := range chans {
		c.open(connCtx, ch)
	}
	cancel()
	c.closeListeners()
	c.wg.Wait()
	c.endForwards()
}

// open hands a channel to its handler, or refuses it. It does not block: it runs
// in the loop that serves the whole connection.
func (c *connection) open(ctx context.Context, nc ssh.NewChannel) {
	var serve func(context.Context, ssh.NewChannel)
	var sessions chan struct{} // nil for other channels
	wg := &c.wg
	switch nc.ChannelType() {
	case "session":
		serve, wg, sessions = c.session, &c.srv.wg, c.srv.sessions
	case "direct-tcpip":
		serve = c.directTCP
	case "direct-udp@coder.internal":
		serve = c.directUDP
	case "direct-streamlocal@openssh.com":
		serve = c.directUnix
	default:
		_ = nc.Reject(ssh.UnknownChannelType, "unknown channel type")
		return
	}
	if !take(c.channels) {
		c.srv.refusals.warn(c.srv.opts.Log, "channel refused", "limit", maxChannels, "of", "connection")
		_ = nc.Reject(ssh.ResourceShortage, fmt.Sprintf("this connection has %d channels open, which is the limit", maxChannels))
		return
	}
	if sessions != nil && !take(sessions) {
		<-c.channels
		c.srv.refusals.warn(c.srv.opts.Log, "channel refused", "limit", cap(sessions), "of", "workspace")
		_ = nc.Reject(ssh.ResourceShortage, fmt.Sprintf("the workspace has %d SSH sessions open, which is the limit", cap(sessions)))
		return
	}
	wg.Go(func() {
		defer func() {
			<-c.channels
			if sessions != nil {
				<-sessions
			}
		}()
		serve(ctx, nc)
	})
}

// take takes a slot if there is one.
func take(slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// globalRequests answers until the connection ends. What is unknown gets the
// failure that RFC 4254 §4 asks for; a client's keepalive is answered so too.
func (c *connection) globalRequests(ctx context.Context, reqs <-chan *ssh.Request) {
	for r := range reqs {
		var ok bool
		var reply []byte
		switch r.Type {
		case "tcpip-forward":
			ok, reply = c.listenTCP(ctx, r.Payload)
		case "cancel-tcpip-forward":
			ok = c.cancelTCP(r.Payload)
		case "streamlocal-forward@openssh.com":
			ok = c.listenUnix(ctx, r.Payload)
		case "cancel-streamlocal-forward@openssh.com":
			ok = c.cancelUnix(r.Payload)
		}
		if r.WantReply {
			_ = r.Reply(ok, reply)
		}
	}
}

// keepAlive finds clients that vanished without a word.
func (c *connection) keepAlive(ctx context.Context) {
	tick := time.NewTicker(c.srv.opts.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		silence := time.AfterFunc(c.srv.opts.KeepAliveMax, func() { _ = c.ssh.Close() })
		_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil)
		silence.Stop()
		if err != nil {
			return
		}
	}
}
