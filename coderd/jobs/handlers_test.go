package jobs_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/coder/websocket"
	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// stream is a server with the log route of one job, and a follower of it.
type stream struct {
	ws      *websocket.Conn
	revoked *atomic.Bool  // the caller's key is gone
	ended   chan struct{} // closed when the handler returned
}

func follow(r *rig, id api.ID) stream {
	r.t.Helper()
	s := stream{revoked: &atomic.Bool{}, ended: make(chan struct{})}
	guard := func(req *http.Request) (context.Context, error) {
		if s.revoked.Load() {
			return nil, rbac.ErrUnauthenticated
		}
		return req.Context(), nil
	}
	router := chi.NewRouter()
	a := httpapi.New(router, httpapi.Options{Version: "v0.0.0", Log: slog.New(slog.DiscardHandler), Session: guard, Agent: guard, Daemon: guard})
	logs := r.queue.LogsHandler(a, func(context.Context, *http.Request) (api.ID, error) { return id, nil })
	a.Handle(httpapi.Route{Method: http.MethodGet, Path: "/logs", Rule: rbac.SignedIn()},
		http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			defer close(s.ended)
			logs.ServeHTTP(w, req)
		}))
	srv := httptest.NewServer(router)
	r.t.Cleanup(srv.Close)
	ws, _, err := websocket.Dial(r.ctx, srv.URL+"/logs?follow=true", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	s.ws = ws
	r.t.Cleanup(func() { _ = ws.CloseNow() })
	return s
}

func (s stream) wait(r *rig) {
	r.t.Helper()
	select {
	case <-s.ended:
	case <-r.ctx.Done():
		r.t.Fatal("the handler did not return")
	}
}

func TestStreamEndsWithTheCallersKey(t *testing.T) {
	t.Parallel()
	clk := quartz.NewMock(t)
	r := newRigAt(t, clk)
	id := r.enqueue(nil)
	tickers := clk.Trap().NewTicker()
	s := follow(r, id)
	for range 2 { // the poll and the look at the caller's rights
		tickers.MustWait(r.ctx).MustRelease(r.ctx)
	}
	tickers.Close()
	s.revoked.Store(true)
	for range 30 {
		clk.Advance(time.Second).MustWait(r.ctx)
	}
	_, _, err := s.ws.Read(r.ctx)
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Fatalf("the stream ended with %v", err)
	}
	s.wait(r)
}

func TestStreamEndsWhenThePeerLeaves(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := follow(r, r.enqueue(nil))
	if err := s.ws.CloseNow(); err != nil {
		t.Fatal(err)
	}
	s.wait(r)
}
