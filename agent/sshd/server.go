package sshd

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"coder.internal/agent/child"
	"coder.internal/agent/containers"
	"coder.internal/api"
	"coder.internal/internal/pipe"
)

// Limits of what one client may ask for. They are far above what people use.
const (
	maxConnections      = 512
	maxChannels         = 1024 // open at once on one connection
	maxListeners        = 128  // remote forwards of one connection
	handshakeTimeout    = 30 * time.Second
	dialTimeout         = 15 * time.Second
	stopGrace           = 3 * time.Second
	defaultWaitDelay    = 5 * time.Second
	defaultKeepAlive    = 30 * time.Second
	defaultKeepAliveMax = time.Hour
	defaultMaxSessions  = 4096 // open at once on all connections
)

// Options of a Server. Log, HostKey and Account are required.
type Options struct {
	Log     *slog.Logger
	HostKey ssh.Signer
	Account child.Account
	// Environ is the environment of every session, before what the client adds.
	Environ []string
	// Directory is where sessions start, an absolute path; home if empty or absent.
	Directory string
	// MOTDFile is shown to interactive logins, an absolute path; empty for none.
	MOTDFile string
	// MaxTimeout ends a connection of that age; zero means never.
	MaxTimeout time.Duration
	// WaitDelay is how long a session waits, after its process has ended, for
	// children that still hold its output. Zero means 5 s.
	WaitDelay time.Duration
	// KeepAlive is how often clients are asked for an answer, KeepAliveMax how
	// long one may stay silent before its connection ends. Zero means 30 s and
	// 1 h: a session has to survive a laptop's nap.
	KeepAlive, KeepAliveMax time.Duration
	// MaxSessions bounds the sessions of all connections. Zero means 4096.
	MaxSessions int
	// Containers run the sessions that ask for a container; nil refuses them.
	Containers *containers.Containers
	// Began is told when a session or a forwarded connection begins, and what it
	// returns when that ends. It must not block; nil means that nobody counts.
	Began func(Kind) (ended func())

	// Report hears who is connected; nil for nobody.
	Report Report

	BlockFileTransfer          bool
	BlockLocalPortForwarding   bool
	BlockReversePortForwarding bool
}

// Kind says what somebody does over SSH.
type Kind string

// Kinds. What a session is for, its client says in CODER_SSH_SESSION_TYPE.
const (
	KindSSH       Kind = "ssh"
	KindVSCode    Kind = "vscode"
	KindJetBrains Kind = "jetbrains"
	KindForward   Kind = "port_forwarding"
)

// Server serves SSH on listeners that it is given.
type Server struct {
	opts    Options
	buffers sync.Pool     // of *[copyBuffer]byte, for all streams
	batches pipe.Buffers  // of what goes out
	slots   chan struct{} // one per connection
	wg      sync.WaitGroup
	kill    chan struct{} // closed when processes must end now

	sessions chan struct{} // one slot per session

	handshakes, refusals complaint
}

// copyBuffer holds several of SSH's 32 KiB packets: one wake-up for each.
const copyBuffer = 128 << 10

// New returns a Server; it starts nothing.
func New(o Options) (*Server, error) {
	if o.Log == nil || o.HostKey == nil || o.Account.Shell == "" {
		return nil, errors.New("sshd options: Log, HostKey and Account are required")
	}
	if o.WaitDelay == 0 {
		o.WaitDelay = defaultWaitDelay
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = defaultKeepAlive
	}
	if o.KeepAliveMax == 0 {
		o.KeepAliveMax = defaultKeepAliveMax
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = defaultMaxSessions
	}
	if o.Began == nil {
		o.Began = func(Kind) func() { return func() {} }
	}
	s := &Server{opts: o, slots: make(chan struct{}, maxConnections), kill: make(chan struct{}),
		sessions: make(chan struct{}, o.MaxSessions)}
	s.buffers.New = func() any { return new([copyBuffer]byte) }
	return s, nil
}

// HostKey derives the host key of an agent from its id, so that the key is the
// same after a restart and known_hosts stays valid. Anybody who knows the id can
// make the same key: it proves nothing. It need not, since the tunnel below has
// already authenticated both ends with keys that the control plane vouches for.
func HostKey(agent api.ID) (ssh.Signer, error) {
	seed := sha256.Sum256([]byte("coder agent ssh host key " + agent.String()))
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	return signer, nil
}

// Serve accepts on all listeners until ctx ends or one of them fails, then closes
// them and the connections and returns after the last process of a session has
// ended. The error is nil when ctx ended. A Server serves once.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	child.DefaultSignals()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, l := range listeners {
		s.wg.Go(func() { cancel(s.accept(ctx, l)) })
	}
	<-ctx.Done()
	for _, l := range listeners {
		_ = l.Close()
	}
	late := time.AfterFunc(stopGrace, func() { close(s.kill) })
	defer late.Stop()
	s.wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// accept returns why it stopped, context.Canceled if asked to.
func (s *Server) accept(ctx context.Context, l net.Listener) error {
	delay := 5 * time.Millisecond
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if conn != nil {
				_ = conn.Close()
			}
			return context.Canceled
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept ssh: %w", err)
		case err != nil: // out of descriptors, most likely: others must end first
			s.opts.Log.Warn("accept failed", "error", err)
			select {
			case <-ctx.Done():
				return context.Canceled
			case <-time.After(delay):
			}
			delay = min(2*delay, time.Second)
			continue
		}
		delay = 5 * time.Millisecond
		select {
		case s.slots <- struct{}{}:
			s.wg.Go(func() {
				s.serveConn(ctx, conn)
			})
		default:
			s.refusals.warn(s.opts.Log, "connection refused", "limit", maxConnections)
			_ = conn.Close()
		}
	}
}
