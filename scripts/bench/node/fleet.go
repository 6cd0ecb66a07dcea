package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/agent"
	"coder.internal/agent/network"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
)

// fleet is many agents in one process: the whole agent and its network node, in
// workspaces without scripts and metadata. Each has HTTP connections of its own, as
// if it were alone.
type fleet struct {
	url, tokens, status string
	log                 io.Writer

	mu    sync.Mutex
	nodes map[int]*network.Node
}

// startEvery spreads the first starts, as machines that boot do.
const startEvery = 10 * time.Millisecond

func (f *fleet) run(ctx context.Context) error {
	u, err := url.Parse(f.url)
	if err != nil {
		return fmt.Errorf("-url: %w", err)
	}
	text, err := os.ReadFile(f.tokens)
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "bench-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data) //nolint:errcheck // the bench removes what is left
	f.nodes = map[int]*network.Node{}
	l, err := net.Listen("tcp", f.status)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(f.answer), ReadHeaderTimeout: 5 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) }) // until closed
	defer wg.Wait()
	defer srv.Close()
	var mu sync.Mutex
	var all error
	for i, token := range strings.Fields(string(text)) {
		wg.Go(func() {
			if err := f.one(ctx, i, u, api.Secret(token), data); err != nil {
				mu.Lock()
				all = errors.Join(all, fmt.Errorf("agent %d: %w", i, err))
				mu.Unlock()
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(startEvery):
		}
	}
	<-ctx.Done()
	_ = srv.Close()
	wg.Wait()
	return all
}

// one is one agent, until ctx ends.
func (f *fleet) one(ctx context.Context, i int, u *url.URL, token api.Secret, data string) error {
	tr, err := client.NewTransport(client.TLSFiles{})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelError}))
	httpClient := &http.Client{Transport: tr}
	a, err := agent.New(agent.Options{
		Client: &client.AgentClient{URL: u.String(), Token: token, HTTP: httpClient},
		NewNetwork: func(m agentrpc.Manifest) (agent.Network, error) {
			n, err := network.New(m, network.Options{URL: u, Token: token, HTTP: httpClient, Log: log, Direct: true})
			if err != nil {
				return nil, err
			}
			f.mu.Lock()
			f.nodes[i] = n
			f.mu.Unlock()
			return n, nil
		},
		Log: log, Clock: quartz.NewReal(), Version: "bench", ScriptDataDir: data, DisableDevcontainers: true,
	})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// answer says how many nodes are there: they reach their coordinator, and their relay
// has spoken to them since the time, in ns, that is asked about.
func (f *fleet) answer(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		http.Error(w, "since: "+err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	there := 0
	for _, n := range f.nodes {
		if ok, _ := n.Conn.Connected(); ok && n.Conn.RelayHeard().UnixNano() > since {
			there++
		}
	}
	fmt.Fprintln(w, there)
}
