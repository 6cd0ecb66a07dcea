package portforward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/pipe"
)

const (
	// maxSources bounds the local programs that one port speaks with at a time.
	maxSources = 256
	// sourceIdle is how long a silent one is remembered; the agent keeps 2 min.
	sourceIdle = 2 * time.Minute
	// sourceQueue bounds the datagrams on their way to the workspace; more are
	// lost, as datagrams may be.
	sourceQueue = 64
)

// sources are the local programs of one port, each with a channel of its own, so
// that answers find their way back.
type sources struct {
	env    *cli.Env
	pc     net.PacketConn
	client *gossh.Client
	remote uint16
	wg     sync.WaitGroup

	mu   sync.Mutex
	by   map[string]*source
	said bool // that it does not work
}

type source struct {
	addr  net.Addr
	queue chan []byte
}

// serveUDP passes datagrams until ctx ends, and closes pc.
func serveUDP(ctx context.Context, env *cli.Env, pc net.PacketConn, client *gossh.Client, port uint16) {
	s := &sources{env: env, pc: pc, client: client, remote: port, by: map[string]*source{}}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = pc.Close() })
	defer stop()
	defer s.wg.Wait()
	defer cancel()
	buf := make([]byte, pipe.MaxDatagram)
	for {
		n, from, err := pc.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the answer of a program that is gone
		}
		if src := s.of(ctx, from); src != nil {
			select {
			case src.queue <- append([]byte(nil), buf[:n]...):
			default:
			}
		}
	}
}

// of returns the source of an address; nil where there are too many.
func (s *sources) of(ctx context.Context, from net.Addr) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := from.String()
	if src := s.by[key]; src != nil {
		return src
	}
	if len(s.by) >= maxSources {
		return nil
	}
	src := &source{addr: from, queue: make(chan []byte, sourceQueue)}
	s.by[key] = src
	s.wg.Go(func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.by, key)
		}()
		s.carry(ctx, src)
	})
	return src
}

// carry passes the datagrams of one source until it is silent for sourceIdle.
func (s *sources) carry(ctx context.Context, src *source) {
	payload := gossh.Marshal(struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}{"127.0.0.1", uint32(s.remote), "127.0.0.1", 0})
	ch, reqs, err := s.client.OpenChannel("direct-udp@coder.internal", payload)
	if err != nil {
		s.complain(ctx, err)
		return
	}
	s.wg.Go(func() { gossh.DiscardRequests(reqs) })
	end := func() { _ = ch.Close() }
	stop := context.AfterFunc(ctx, end)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	var back sync.WaitGroup
	defer back.Wait()
	defer end()
	defer cancel()
	idle := time.AfterFunc(sourceIdle, cancel)
	defer idle.Stop()
	back.Go(func() {
		defer cancel()
		buf := make([]byte, pipe.MaxDatagram)
		for {
			n, err := pipe.ReadDatagram(ch, buf)
			if err != nil {
				return
			}
			idle.Reset(sourceIdle)
			_, _ = s.pc.WriteTo(buf[:n], src.addr)
		}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-src.queue:
			idle.Reset(sourceIdle)
			if pipe.WriteDatagram(ch, p) != nil {
				return
			}
		}
	}
}

// complain says once why datagrams do not pass.
func (s *sources) complain(ctx context.Context, err error) {
	s.mu.Lock()
	first := !s.said
	s.said = true
	s.mu.Unlock()
	if !first || ctx.Err() != nil {
		return
	}
	text := cli.Inert(err.Error())
	var open *gossh.OpenChannelError
	if errors.As(err, &open) && open.Reason == gossh.UnknownChannelType {
		text = "the agent is older than this client and does not pass UDP; restart the workspace"
	}
	fmt.Fprintf(s.env.Stderr, "UDP port %d of the workspace: %s\n", s.remote, text)
}
