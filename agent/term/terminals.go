package term

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/agent/child"
	"coder.internal/agent/containers"
	"coder.internal/api"
	"coder.internal/api/termrpc"
)

// Limits and their defaults.
const (
	DefaultIdleTimeout = 5 * time.Minute
	defaultMaxSessions = 64
	defaultMaxViewers  = 16
	maxConnections     = 512

	historyLines = 10_000
	historyBytes = 4 << 20
	// backlog bounds the output, in bytes, that a viewer has not taken yet.
	backlog = 256 << 10
	// roomPatience is how long the program waits for viewers that are behind.
	roomPatience = 100 * time.Millisecond
	stopGrace    = 3 * time.Second
)

// Options of Terminals. Log, Clock and Account are required.
type Options struct {
	Log     *slog.Logger
	Clock   quartz.Clock
	Account child.Account
	// Environ is the environment of every terminal.
	Environ []string
	// Directory is where programs start, an absolute path; home if empty or absent.
	Directory string
	// MOTDFile is shown by login shells, an absolute path; empty for none.
	MOTDFile string
	// IdleTimeout ends a terminal that nobody looks at; zero means 5 minutes.
	IdleTimeout time.Duration
	// Containers run the terminals that ask for a container; nil refuses them.
	Containers *containers.Containers
	// Began is told when somebody begins to look at a terminal, and what it returns
	// when that ends. It must not block; nil means that nobody counts.
	Began func() (ended func())
	// MaxSessions bounds the terminals, MaxViewers the viewers of each. Zero means
	// 64 and 16.
	MaxSessions, MaxViewers int
}

// Terminals are those of one agent.
type Terminals struct {
	opts  Options
	log   *slog.Logger
	slots chan struct{} // one per connection
	stop  chan struct{} // closed when all terminals must end

	mu       sync.Mutex
	stopped  bool
	sessions map[api.ID]*session
	running  sync.WaitGroup // of sessions
}

// New returns Terminals without any; it starts nothing.
func New(o Options) (*Terminals, error) {
	if o.Log == nil || o.Clock == nil || o.Account.Shell == "" {
		return nil, errors.New("term options: Log, Clock and Account are required")
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = DefaultIdleTimeout
	}
	if o.Began == nil {
		o.Began = func() func() { return func() {} }
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = defaultMaxSessions
	}
	if o.MaxViewers == 0 {
		o.MaxViewers = defaultMaxViewers
	}
	return &Terminals{opts: o, log: o.Log.With("component", "term"), slots: make(chan struct{}, maxConnections),
		stop: make(chan struct{}), sessions: map[api.ID]*session{}}, nil
}

// Run owns the terminals: it blocks until ctx ends, then ends all of them, and
// returns after the last process.
func (t *Terminals) Run(ctx context.Context) error {
	<-ctx.Done()
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	close(t.stop)
	t.running.Wait()
	return nil
}

// Count returns the terminals that exist now.
func (t *Terminals) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.sessions)
}

// Serve takes connections of viewers until ctx ends or the listener fails, then
// closes it and them. Terminals go on, and may be served again on another listener.
// The error is nil when ctx ended.
func (t *Terminals) Serve(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() {
		<-ctx.Done()
		_ = l.Close()
	})
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if conn != nil {
				_ = conn.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("accept terminal: %w", err)
		}
		if err != nil {
			t.log.Warn("accept failed", "error", err)
			if !t.pause(ctx) {
				return nil
			}
			continue
		}
		select {
		case t.slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-t.slots }()
				t.serve(ctx, conn)
			})
		default:
			t.log.Warn("connection refused", "limit", maxConnections)
			_ = conn.Close()
		}
	}
}

// pause waits a moment after an error that others must end; false with ctx.
func (t *Terminals) pause(ctx context.Context) bool {
	timer := t.opts.Clock.NewTimer(100*time.Millisecond, "term", "accept")
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// serve is the life of one connection.
func (t *Terminals) serve(ctx context.Context, conn net.Conn) {
	ended := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer ended()
	defer conn.Close() //nolint:errcheck // nothing is left to say
	_ = conn.SetDeadline(time.Now().Add(termrpc.Silence))
	init, err := readInit(conn)
	if err != nil {
		t.log.Debug("terminal connection refused", "error", err)
		refuse(conn, err)
		return
	}
	v := newViewer(t.opts.Clock, conn)
	s, err := t.open(ctx, init, v)
	if err != nil {
		t.log.Warn("terminal not opened", "error", err)
		refuse(conn, err)
		return
	}
	defer t.opts.Began()()
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.send(v)
		_ = conn.Close() // the reader ends too
	}()
	err = s.receive(v)
	s.detach(v)
	<-written
	t.log.Debug("viewer left", "terminal_id", init.ID, "error", err)
}

func readInit(conn net.Conn) (termrpc.Init, error) {
	var init termrpc.Init
	kind, payload, _, err := termrpc.ReadFrame(conn, nil, termrpc.MaxCommand+8<<10)
	if err != nil {
		return init, fmt.Errorf("read first frame: %w", err)
	}
	if kind != termrpc.KindInit {
		return init, errors.New("the first frame does not open a terminal")
	}
	if err := json.Unmarshal(payload, &init); err != nil {
		return init, fmt.Errorf("decode first frame: %w", err)
	}
	return init, init.Validate()
}

// refuse tells the other side why there is no terminal, if it still listens.
func refuse(conn net.Conn, err error) {
	payload, _ := json.Marshal(termrpc.End{Error: err.Error()}) // cannot fail
	_ = termrpc.WriteFrame(conn, termrpc.KindEnd, payload)
}

// open finds the terminal or starts it, and adds the viewer. For a new one in a
// container it blocks while the engine is asked, 15 s at most.
func (t *Terminals) open(ctx context.Context, init termrpc.Init, v *viewer) (*session, error) {
	var inside *exec.Cmd
	if init.Container != "" && !t.exists(init.ID) {
		if t.opts.Containers == nil {
			return nil, &api.Error{Code: api.CodeInvalid, Message: "Terminals in containers are not supported by this agent."}
		}
		var err error
		inside, err = t.opts.Containers.Command(ctx, containers.Session{Container: init.Container, User: init.ContainerUser,
			Line: init.Command, Environ: terminalEnviron(), TTY: true})
		if err != nil {
			return nil, err
		}
	}
	return t.attach(init, inside, v)
}

func (t *Terminals) exists(id api.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sessions[id] != nil
}

// attach finds the terminal or starts it, with the command inside of a container
// where there is one, and adds the viewer.
func (t *Terminals) attach(init termrpc.Init, inside *exec.Cmd, v *viewer) (*session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "The workspace is stopping."}
	}
	if s := t.sessions[init.ID]; s != nil && s.add(v, init) {
		return s, nil
	}
	if len(t.sessions) >= t.opts.MaxSessions {
		return nil, api.Conflict(fmt.Sprintf("This workspace has %d terminals open, which is the limit; close one of them.", len(t.sessions)))
	}
	s, err := t.start(init, inside)
	if err != nil {
		return nil, &api.Error{Code: api.CodeConflict, Message: "The terminal could not be started: " + err.Error() + "."}
	}
	s.add(v, init)
	t.sessions[init.ID] = s
	t.running.Go(func() {
		s.run()
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.sessions[init.ID] == s {
			delete(t.sessions, init.ID)
		}
	})
	return s, nil
}
