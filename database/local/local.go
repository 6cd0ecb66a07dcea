package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	fallbackParent = "/var/lib"
	roleName       = "coder"
	databaseName   = "coder"

	startTimeout = 5 * time.Minute // a crash recovery may come first
	fastTimeout  = 20 * time.Second
	quitTimeout  = 5 * time.Second
)

// Config says where the built-in Postgres lives. Dir and Log are required.
type Config struct {
	Dir      string // the configuration directory
	CacheDir string // where embedded binaries are unpacked; "" means Dir
	User     string // whom Postgres runs as when we are root; "" means postgres, else nobody
	Log      *slog.Logger

	// FallbackDir is the parent of the data when the Postgres user cannot reach
	// Dir; "" means /var/lib.
	FallbackDir string
	// Volatile gives up safety after a crash of the machine, and ends Postgres
	// together with this process. For tests.
	Volatile bool
}

// Server is one built-in Postgres. Its methods may be called from several
// goroutines.
type Server struct {
	cfg     Config
	account account
	home    string // holds lock, log, data and run
	run     string // the socket directory
	log     *slog.Logger

	mu   sync.Mutex // guards what follows; held during Start and Stop
	lock *os.File
	cmd  *exec.Cmd
	dead chan struct{} // closed when cmd has ended; nil before the first Start

	settling *settling // what the last start has made; nil when that was nothing
}

// New decides whom Postgres runs as and where its data is. It starts nothing
// and creates nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		return nil, errors.New("built-in postgres: no logger given")
	}
	if cfg.Dir == "" {
		return nil, errors.New("built-in postgres: no configuration directory given")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("built-in postgres: directory %s: %w", cfg.Dir, err)
	}
	cfg.Dir = dir
	if cfg.CacheDir == "" {
		cfg.CacheDir = dir
	}
	if cfg.FallbackDir == "" {
		cfg.FallbackDir = fallbackParent
	}
	who, err := chooseAccount(cfg.User)
	if err != nil {
		return nil, err
	}
	home, err := chooseHome(cfg, who)
	if err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, account: who, home: home, run: socketDir(home),
		log: cfg.Log.With("component", "postgres")}, nil
}

// URL names the database for pgx and psql. It is the same before and after
// Start.
func (s *Server) URL() string { return s.urlOf(databaseName) }

func (s *Server) urlOf(database string) string {
	q := url.Values{"host": {s.run}, "port": {"5432"}, "sslmode": {"disable"}}
	return "postgres://" + roleName + "@/" + database + "?" + q.Encode()
}

// DataDir is the cluster's directory.
func (s *Server) DataDir() string { return filepath.Join(s.home, "data") }

// Wait returns a channel that is closed when the Postgres of the last Start has
// ended, for whatever reason. Before the first Start it is closed already.
func (s *Server) Wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == nil {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	return s.dead
}

// Run keeps a started Postgres running until ctx ends, then stops it. When
// Postgres dies it is started again, after a pause that grows to 5 s and shrinks
// only after a minute of service. It returns nil, or why stopping failed. While
// it runs nobody else may call Stop.
func (s *Server) Run(ctx context.Context) error {
	const shortest, longest = 100 * time.Millisecond, 5 * time.Second
	pause := shortest
	for {
		since := time.Now()
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fastTimeout+2*quitTimeout)
			defer cancel()
			return s.Stop(ctx)
		case <-s.Wait():
		}
		if time.Since(since) > time.Minute {
			pause = shortest
		}
		s.log.Warn("postgres ended by itself, starting it again", "pause", pause)
		select {
		case <-ctx.Done():
			continue
		case <-time.After(pause):
		}
		pause = min(2*pause, longest)
		if _, err := s.Start(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("postgres does not start", "error", err)
		}
	}
}
