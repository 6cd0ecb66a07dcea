package network

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/direct"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/pipe"
	"coder.internal/internal/resume"
)

const (
	// knownTime is how long a connection waits for the coordinator's word on its key: the
	// peer may have learned of us a moment before we of it.
	knownTime = time.Second
	// maxCarriers bounds the connections through the tunnel that carry sessions, or wait
	// to.
	maxCarriers = 2048
	// readBuffer joins the small reads of a carrier in the tunnel.
	readBuffer = 16 << 10
	recordSize = 16 << 10
)

func records(n int64) int64 { return (n + recordSize - 1) / recordSize }

// directStreams takes the carriers of resumable streams, from direct TCP connections
// and from the tunnel. A carrier lives while its peer is known by the key that it
// showed; a session lives until its peer has left.
type directStreams struct {
	log      *slog.Logger
	node     *tailnet.Conn // set before anything runs
	identity *direct.Identity
	sessions *resume.Server
	counts   direct.Counts
	packets  net.Listener  // of carriers in the tunnel
	slots    chan struct{} // one for each of those
	look     chan struct{} // whether direct is allowed may have changed; holds one
}

func newDirect(self api.ID, log *slog.Logger) (*directStreams, error) {
	identity, err := direct.NewIdentity()
	if err != nil {
		return nil, fmt.Errorf("prepare direct streams: %w", err)
	}
	d := &directStreams{log: log.With("component", "direct"), identity: identity, look: make(chan struct{}, 1),
		slots: make(chan struct{}, maxCarriers)}
	addr := net.TCPAddrFromAddrPort(netip.AddrPortFrom(tailrpc.AddressOf(self), agentrpc.PortSessions))
	d.sessions = resume.NewServer(addr, resume.Options{May: d.may})
	return d, nil
}

// ownerOf names a peer together with its key: another process with the same id is
// another owner.
func ownerOf(peer api.ID, key []byte) string { return string(peer[:]) + string(key) }

func peerOf(owner string) (peer api.ID, key []byte) {
	n := copy(peer[:], owner)
	return peer, []byte(owner[n:])
}

// may reports whether a peer is known by its key now.
func (d *directStreams) may(owner string) bool {
	peer, key := peerOf(owner)
	return len(key) > 0 && subtle.ConstantTimeCompare(d.node.StreamKey(peer), key) == 1
}

// changed implements tailnet.Config.Changed.
func (d *directStreams) changed(left []api.ID) {
	if len(left) > 0 {
		gone := make(map[api.ID]bool, len(left))
		for _, id := range left {
			gone[id] = true
		}
		d.sessions.Drop(func(owner string) bool {
			peer, _ := peerOf(owner)
			return gone[peer]
		})
	}
	d.sessions.Cut()
	select {
	case d.look <- struct{}{}:
	default:
	}
}

// run returns after all carriers have ended, which they do with ctx.
func (d *directStreams) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.servePackets(ctx) })
	stop := func() {}
	defer func() { stop() }()
	open := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.look:
		}
		allowed := d.node.DirectAllowed()
		if allowed == open {
			continue
		}
		if open = allowed; open {
			stop = d.listen(ctx)
		} else {
			stop()
			stop = func() {}
		}
	}
}

// listen takes direct connections until stop is called. Without them all goes through
// the tunnel.
func (d *directStreams) listen(ctx context.Context) (stop func()) {
	ln, err := d.identity.Listen(direct.Options{Log: d.log, Known: d.known, Serve: d.serve, Counts: &d.counts})
	if err != nil {
		d.log.Warn("no direct streams", "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = ln.Run(ctx) // it ends with ctx alone
	}()
	d.node.OfferStreams(ln.Port())
	return func() {
		d.node.OfferStreams(0)
		cancel()
		<-done
	}
}

// known finds the peer of a key.
func (d *directStreams) known(ctx context.Context, key []byte) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, knownTime)
	defer cancel()
	for {
		changed := d.node.PeersChanged()
		if id, ok := d.node.StreamPeer(key); ok {
			return ownerOf(id, key), true
		}
		select {
		case <-ctx.Done():
			return "", false
		case <-changed:
		}
	}
}

// serve carries a session over a connection of a peer.
func (d *directStreams) serve(ctx context.Context, conn net.Conn, owner string) {
	peer, _ := peerOf(owner)
	remote := net.TCPAddrFromAddrPort(netip.AddrPortFrom(tailrpc.AddressOf(peer), 0))
	err := d.sessions.Serve(ctx, conn, owner, remote)
	d.log.Debug("a carrier has ended", "peer", peer, "error", err)
}

// open opens the port for carriers in the tunnel, before anybody can know of the node.
func (d *directStreams) open() (err error) {
	if d.packets, err = d.node.Listen("tcp", agentrpc.PortSessions); err != nil {
		return fmt.Errorf("listen for sessions: %w", err)
	}
	return nil
}

// servePackets takes carriers from the tunnel until ctx ends.
func (d *directStreams) servePackets(ctx context.Context) {
	ln := d.packets
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		owner, ok := d.sender(conn)
		if !ok || !d.takeSlot() {
			_ = conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-d.slots }()
			d.serve(ctx, pipe.ReadAhead(conn, readBuffer), owner)
		})
	}
}

func (d *directStreams) takeSlot() bool {
	select {
	case d.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// sender finds who is at the other end of a connection in the tunnel.
func (d *directStreams) sender(conn net.Conn) (string, bool) {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return "", false
	}
	id, ok := d.node.PeerOf(a.AddrPort().Addr())
	if !ok {
		return "", false
	}
	key := d.node.StreamKey(id)
	return ownerOf(id, key), len(key) > 0
}
