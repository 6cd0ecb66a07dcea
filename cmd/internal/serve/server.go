package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/jobs"
	"coder.internal/database"
	"coder.internal/database/local"
	"coder.internal/internal/lifecycle"
	"coder.internal/provisionerd/terraform"
)

// Server is a built server. Use NewServer, then Run once.
type Server struct {
	cfg Config
	log *slog.Logger

	postgres *local.Server // nil with an external one
	db       *database.DB

	accessURL  *url.URL
	replicaID  api.ID                  // of this process, another at each start
	relayMap   func() tailrpc.RelayMap // set by buildRelays
	defaultOrg api.ID
	queue      *jobs.Queue
	terraform  terraform.Binary // what the in-process daemons run
	listeners  []listening
	parts      []lifecycle.Part
	ready      chan struct{}
}

// listening is one bound listener and what it serves.
type listening struct {
	name string
	l    net.Listener
	h    http.Handler
}

// NewServer opens the database and the listeners and builds every part. Nothing
// is served before Run. On an error everything that was opened is closed again.
// It blocks while Postgres starts and migrations run; ctx bounds that.
func NewServer(ctx context.Context, cfg Config, log *slog.Logger) (_ *Server, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: log, replicaID: api.NewID(), ready: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	// Ports first: a second server on this machine must fail before it touches
	// the first one's data.
	if err := s.openListeners(); err != nil {
		return nil, err
	}
	terraformFound := s.findTerraform(ctx)
	err = s.openDatabase(ctx)
	if err := errors.Join(err, terraformFound()); err != nil {
		return nil, err
	}
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	// Nothing is acknowledged before Run, so the disk had all this time.
	if err := s.settleDatabase(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// AccessURL is where the deployment is reached; known after NewServer.
func (s *Server) AccessURL() *url.URL { return s.accessURL }

// Ready is closed once requests are served.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Run starts every part in order, blocks until ctx ends or one fails, and stops
// them in reverse order.
func (s *Server) Run(ctx context.Context) error {
	var parts []lifecycle.Part
	if s.postgres != nil {
		parts = append(parts, lifecycle.Part{Name: "postgres", Run: s.postgres.Run})
	}
	parts = append(parts, s.parts...)
	for _, l := range s.listeners {
		srv := httpServer(l.h, s.log)
		parts = append(parts, lifecycle.Part{Name: l.name, Run: func(ctx context.Context) error {
			return serveHTTP(ctx, srv, l.l, s.cfg.ShutdownGrace)
		}})
	}
	daemons, err := s.daemons()
	if err != nil {
		return errors.Join(err, s.close())
	}
	parts = append(parts, daemons...)
	parts = append(parts, lifecycle.Part{Name: "ready", Run: func(ctx context.Context) error {
		s.log.Info("server is ready", "access_url", s.accessURL.String())
		close(s.ready)
		// What unpacking, migrating and describing the routes left behind goes
		// back to the system: it is several times what an idle server needs.
		debug.FreeOSMemory()
		<-ctx.Done()
		return nil
	}})
	err = lifecycle.Run(ctx, parts...)
	return errors.Join(err, s.close())
}

// close releases what NewServer opened, last first.
func (s *Server) close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.db != nil {
		s.db.Close()
	}
	if s.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lifecycle.StopTimeout)
		defer cancel()
		if err := s.postgres.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop built-in postgres: %w", err))
		}
	}
	return errors.Join(errs...)
}

// openListeners binds every address and derives the access URL. Handlers are
// filled in by build.
func (s *Server) openListeners() error {
	add := func(name, flag, address string) (net.Listener, error) {
		l, err := listen(flag, address)
		if err == nil {
			s.listeners = append(s.listeners, listening{name: name, l: l})
		}
		return l, err
	}
	var scheme string
	var addr net.Addr
	if s.cfg.HTTPAddress != "" {
		l, err := add("http", "http-address", s.cfg.HTTPAddress)
		if err != nil {
			return err
		}
		scheme, addr = "http", l.Addr()
	}
	if s.cfg.TLS.Enable {
		conf, err := s.cfg.TLS.tlsConfig()
		if err != nil {
			return err
		}
		l, err := add("https", "tls-address", s.cfg.TLS.Address)
		if err != nil {
			return err
		}
		s.listeners[len(s.listeners)-1].l = tls.NewListener(l, conf)
		scheme, addr = "https", l.Addr()
	}
	if s.cfg.Apps.PathAddress != "" {
		if _, err := add("path apps", "path-apps-address", s.cfg.Apps.PathAddress); err != nil {
			return err
		}
	}
	if s.cfg.Prometheus.Enable {
		if _, err := add("prometheus", "prometheus-address", s.cfg.Prometheus.Address); err != nil {
			return err
		}
	}
	if s.cfg.Pprof.Enable {
		if _, err := add("pprof", "pprof-address", s.cfg.Pprof.Address); err != nil {
			return err
		}
	}
	s.accessURL = s.cfg.AccessURL
	if s.accessURL == nil {
		s.accessURL = defaultAccessURL(scheme, addr)
	}
	return nil
}
