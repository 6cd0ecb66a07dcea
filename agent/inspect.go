package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"coder.internal/agent/containers"
	"coder.internal/agent/stats"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

const (
	// inspectTimeout bounds one request, and inspectAtOnce how many are worked on;
	// the others are refused.
	inspectTimeout = agentrpc.InspectTimeout
	inspectAtOnce  = 16
	inspectHeader  = 8 << 10 // bytes
	// inspectConns are open at a time; more are closed at once. The server needs a
	// few.
	inspectConns = 128
)

// inspector answers what the server asks about the machine (agentrpc.PortInspect).
// Only nodes that hold a tunnel to this agent reach it.
type inspector struct {
	log   *slog.Logger
	ports *stats.Ports
	boxes *containers.Containers
	slots chan struct{}
}

func (a *Agent) newInspector(boxes *containers.Containers) *inspector {
	return &inspector{log: a.opts.Log.With("component", "inspect"), ports: &stats.Ports{Clock: a.opts.Clock},
		boxes: boxes, slots: make(chan struct{}, inspectAtOnce)}
}

func (i *inspector) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+agentrpc.PathListeningPorts, func(w http.ResponseWriter, r *http.Request) {
		ports, err := i.ports.Listening(r.Context())
		i.answer(w, r, http.StatusOK, api.AgentListeningPorts{Ports: ports}, err)
	})
	i.containerRoutes(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case i.slots <- struct{}{}:
			defer func() { <-i.slots }()
		default:
			i.answer(w, r, http.StatusServiceUnavailable, api.Error{Code: api.CodeUnavailable, Message: "The agent is busy. Ask again."}, nil)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), inspectTimeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, inspectHeader)
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

// answer writes body, or err as the caller may see it.
func (i *inspector) answer(w http.ResponseWriter, r *http.Request, status int, body any, err error) {
	if err != nil {
		var e *api.Error
		if !errors.As(err, &e) {
			i.log.Warn("question not answered", "path", r.URL.Path, "error", err)
			e = &api.Error{Code: api.CodeInternal, Message: "The agent could not answer; its log says why."}
		}
		status, body = statusOf(e.Code), e
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the peer may be gone
}

// containerRoutes: what there is, and the two things to do with a dev container.
func (i *inspector) containerRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+agentrpc.PathContainers, func(w http.ResponseWriter, r *http.Request) {
		all, err := i.boxes.List(r.Context())
		i.answer(w, r, http.StatusOK, all, err)
	})
	work := func(pattern string, do func(context.Context, api.ID) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			id, err := api.ParseID(r.PathValue("id"))
			if err != nil {
				err = api.Invalid("devcontainer", err.Error())
			} else {
				err = do(r.Context(), id)
			}
			i.answer(w, r, http.StatusAccepted, api.Response{Message: "begun"}, err)
		})
	}
	work("POST "+agentrpc.PathDevcontainers+"{id}/recreate", i.boxes.Recreate)
	work("DELETE "+agentrpc.PathDevcontainers+"{id}", i.boxes.Delete)
}

func statusOf(c api.Code) int {
	switch c {
	case api.CodeInvalid:
		return http.StatusBadRequest
	case api.CodeNotFound:
		return http.StatusNotFound
	case api.CodeConflict:
		return http.StatusConflict
	case api.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// serve answers on l until ctx ends, and returns after the last answer.
func (i *inspector) serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: i.handler(), ReadHeaderTimeout: inspectTimeout, ReadTimeout: inspectTimeout,
		WriteTimeout: 2 * inspectTimeout, IdleTimeout: inspectTimeout, MaxHeaderBytes: inspectHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(i.log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() {
		ended <- srv.Serve(&fewConns{Listener: l, open: make(chan struct{}, inspectConns), log: i.log})
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve questions about the machine: %w", err)
	case <-ctx.Done():
		_ = srv.Close()
		<-ended
		return nil
	}
}

// inspect serves on node until ctx ends; the channel closes after that. Without it
// people still get in, so that its failure is no reason to make another node.
func (a *Agent) inspect(ctx context.Context, node Network, boxes *containers.Containers) <-chan struct{} {
	done := make(chan struct{})
	i := a.newInspector(boxes)
	go func() {
		defer close(done)
		l, err := node.Listen(agentrpc.PortInspect)
		if err == nil {
			err = i.serve(ctx, l)
		}
		if err != nil && ctx.Err() == nil {
			i.log.Warn("questions about the machine are not answered", "error", err)
		}
	}()
	return done
}

// fewConns closes what comes in above its limit, and says so once until there is
// room again.
type fewConns struct {
	net.Listener
	open chan struct{}
	log  *slog.Logger
	full bool // of Accept alone
}

func (f *fewConns) Accept() (net.Conn, error) {
	for {
		conn, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case f.open <- struct{}{}:
			f.full = false
			return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { <-f.open })}, nil
		default:
			if !f.full {
				f.full = true
				f.log.Warn("connection refused", "limit", cap(f.open))
			}
			_ = conn.Close()
		}
	}
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

func (c *countedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
