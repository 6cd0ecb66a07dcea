// Package agenttest is a control plane for tests of the agent: it speaks the
// HTTP protocol of agentrpc and records what an agent sends.
//
// It owns no rules of the real one beyond the token, the held manifest and the
// shapes of requests; unknown fields and paths fail the test.
package agenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
)

const (
	maxBody = 4 << 20
	// waitLimit is for a machine under load; nothing waits this long in vain.
	waitLimit = 30 * time.Second
)

// Record is what agents have sent so far.
type Record struct {
	Manifests   int // requests for it, answered or not
	Startups    []agentrpc.Startup
	Lifecycle   []api.AgentLifecycle
	Logs        []agentrpc.PatchLogs
	Results     []agentrpc.ScriptResult
	Metadata    []agentrpc.MetadataValue
	Healths     []map[string]string
	Monitors    []agentrpc.MonitorState
	Connections []agentrpc.Connection
	Sources     []agentrpc.LogSource
	Usage       []agentrpc.Usage
}

// Lines returns the outputs of one log source in order.
func (r Record) Lines(source api.ID) []string {
	var lines []string
	for _, p := range r.Logs {
		if p.LogSourceID == source {
			for _, l := range p.Logs {
				lines = append(lines, l.Output)
			}
		}
	}
	return lines
}

// Server is the control plane. Its methods are safe to call at any time.
type Server struct {
	URL   string
	Token api.Secret

	t        testing.TB
	manifest agentrpc.Manifest

	mu      sync.Mutex
	record  Record
	changed chan struct{}  // closed and renewed at each change
	hold    chan struct{}  // not nil: manifest requests wait for it
	faults  map[string]int // path → how many requests to fail
	status  map[string]int // path → with which status
	known   bool           // whether the token is
}

// New starts a control plane on a loopback port; it stops with the test. An
// empty AgentID in the manifest gets a new one.
func New(t testing.TB, manifest agentrpc.Manifest) *Server {
	t.Helper()
	if manifest.AgentID.IsZero() {
		manifest.AgentID = api.NewID()
	}
	s := &Server{t: t, Token: api.Secret(api.NewID().String()), manifest: manifest, known: true,
		changed: make(chan struct{}), faults: make(map[string]int), status: make(map[string]int)}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Client returns the real client of this control plane.
func (s *Server) Client() *client.AgentClient { return &client.AgentClient{URL: s.URL, Token: s.Token} }

// Fail answers the next n requests for path with status.
func (s *Server) Fail(path string, status, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path], s.status[path] = n, status
}

// SetKnown says whether the token is accepted from now on.
func (s *Server) SetKnown(known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = known
}

// Hold makes manifest requests wait until the returned function is called.
func (s *Server) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hold := make(chan struct{})
	s.hold = hold
	return sync.OnceFunc(func() { close(hold) })
}

// Record returns a copy of what was sent so far.
func (s *Server) Record() Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copyLocked()
}

func (s *Server) copyLocked() Record {
	r := s.record
	r.Startups, r.Lifecycle = slices.Clone(r.Startups), slices.Clone(r.Lifecycle)
	r.Logs, r.Results = slices.Clone(r.Logs), slices.Clone(r.Results)
	r.Metadata, r.Healths = slices.Clone(r.Metadata), slices.Clone(r.Healths)
	r.Connections = slices.Clone(r.Connections)
	r.Monitors, r.Sources = slices.Clone(r.Monitors), slices.Clone(r.Sources)
	r.Usage = slices.Clone(r.Usage)
	return r
}

// Wait blocks until ok holds for what was sent, and fails the test if that takes
// too long.
func (s *Server) Wait(what string, ok func(Record) bool) Record {
	s.t.Helper()
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	for {
		s.mu.Lock()
		r, changed := s.copyLocked(), s.changed
		s.mu.Unlock()
		if ok(r) {
			return r
		}
		select {
		case <-changed:
		case <-limit.C:
			s.t.Fatalf("waited in vain for %s; the agent sent %+v", what, r)
		}
	}
}

// WaitLifecycle blocks until the agent has reported state.
func (s *Server) WaitLifecycle(state api.AgentLifecycle) Record {
	s.t.Helper()
	return s.Wait("lifecycle "+string(state), func(r Record) bool { return slices.Contains(r.Lifecycle, state) })
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == agentrpc.PathManifest {
		s.note(func(rec *Record) { rec.Manifests++ })
	}
	if e, status := s.refusal(r); e != nil {
		answer(w, status, e)
		return
	}
	if r.URL.Path == agentrpc.PathManifest {
		if s.held(r.Context()) {
			answer(w, http.StatusOK, s.manifest)
		}
		return
	}
	if err := s.take(r); err != nil {
		s.t.Errorf("agent sent %s %s: %v", r.Method, r.URL.Path, err)
		answer(w, http.StatusBadRequest, api.Invalid("body", err.Error()))
		return
	}
	answer(w, http.StatusOK, api.Response{Message: "ok"})
}

func (s *Server) refusal(r *http.Request) (*api.Error, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known || r.Header.Get(api.SessionTokenHeader) != s.Token.Reveal() {
		return &api.Error{Code: api.CodeUnauthenticated, Message: "The agent token is not known."}, http.StatusUnauthorized
	}
	if s.faults[r.URL.Path] > 0 {
		s.faults[r.URL.Path]--
		return &api.Error{Message: "A fault was asked for."}, s.status[r.URL.Path]
	}
	return nil, 0
}

func (s *Server) held(ctx context.Context) bool {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold == nil {
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-hold:
		return true
	}
}

// take decodes one report by its path.
func (s *Server) take(r *http.Request) error {
	method := http.MethodPost
	var apply func(*Record)
	var into any
	switch r.URL.Path {
	case agentrpc.PathStartup:
		v := &agentrpc.Startup{}
		into, apply = v, func(rec *Record) { rec.Startups = append(rec.Startups, *v) }
	case agentrpc.PathLifecycle:
		v := &agentrpc.Lifecycle{}
		into, apply = v, func(rec *Record) { rec.Lifecycle = append(rec.Lifecycle, v.State) }
	case agentrpc.PathLogs:
		method = http.MethodPatch
		v := &agentrpc.PatchLogs{}
		into, apply = v, func(rec *Record) { rec.Logs = append(rec.Logs, *v) }
	case agentrpc.PathScriptResult:
		v := &agentrpc.ScriptResult{}
		into, apply = v, func(rec *Record) { rec.Results = append(rec.Results, *v) }
	case agentrpc.PathMetadata:
		v := &agentrpc.Metadata{}
		into, apply = v, func(rec *Record) { rec.Metadata = append(rec.Metadata, v.Values...) }
	case agentrpc.PathAppHealth:
		v := &agentrpc.AppHealth{}
		into, apply = v, func(rec *Record) { rec.Healths = append(rec.Healths, v.Healths) }
	case agentrpc.PathLogSource:
		v := &agentrpc.LogSource{}
		into, apply = v, func(rec *Record) { rec.Sources = append(rec.Sources, *v) }
	case agentrpc.PathConnections:
		v := &agentrpc.Connection{}
		into, apply = v, func(rec *Record) { rec.Connections = append(rec.Connections, *v) }
	case agentrpc.PathMonitors:
		v := &agentrpc.Monitors{}
		into, apply = v, func(rec *Record) { rec.Monitors = append(rec.Monitors, v.States...) }
	case agentrpc.PathUsage:
		v := &agentrpc.Usage{}
		into, apply = v, func(rec *Record) { rec.Usage = append(rec.Usage, *v) }
	default:
		return fmt.Errorf("no such call")
	}
	if r.Method != method || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return fmt.Errorf("method or content type is wrong")
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	s.note(apply)
	return nil
}

func (s *Server) note(apply func(*Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	apply(&s.record)
	close(s.changed)
	s.changed = make(chan struct{})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
