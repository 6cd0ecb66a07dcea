package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
)

const (
	people     = 4
	think      = 20 * time.Millisecond
	within     = 15 * time.Second
	mostErrors = 10
)

// load is people who use the API all the time. What the balancer has answered is not
// sent a second time.
type load struct {
	url, token string
	http       *http.Client

	mu       sync.Mutex // guards what follows
	requests int
	failed   int
	slowest  time.Duration
	errors   []string
}

func newLoad(url, token string) *load {
	return &load{url: url, token: token, http: &http.Client{Timeout: within, Transport: &http.Transport{MaxIdleConnsPerHost: people}}}
}

// run works until ctx ends; a request that is under way is finished first.
func (l *load) run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.round(context.WithoutCancel(ctx), fmt.Sprintf("load-%d-%d", i, n))
				_ = rest(ctx, think) // its end is seen above
			}
		})
	}
	wg.Wait()
	l.http.CloseIdleConnections()
}

// round reads a few things, and makes and deletes a token.
func (l *load) round(ctx context.Context, name string) {
	for _, path := range []string{"/users/me", "/workspaces?limit=10", "/templates"} {
		l.ask(ctx, http.MethodGet, path, nil, http.StatusOK, nil)
	}
	var made api.GenerateKeyResponse
	l.ask(ctx, http.MethodPost, "/users/me/keys/tokens", api.CreateTokenRequest{TokenName: name}, http.StatusCreated, &made)
	if id, _, ok := strings.Cut(made.Key.Reveal(), "-"); ok {
		l.ask(ctx, http.MethodDelete, "/users/me/keys/"+id, nil, http.StatusNoContent, nil)
	}
}

// ask sends one request and counts it.
func (l *load) ask(ctx context.Context, method, path string, in any, want int, out any) {
	start := time.Now()
	err := l.once(ctx, method, path, in, want, out)
	took := time.Since(start)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.slowest = max(l.slowest, took)
	if err != nil {
		l.failed++
		if len(l.errors) < mostErrors {
			l.errors = append(l.errors, fmt.Sprintf("%s %s: %s", method, path, err))
		}
	}
}

func (l *load) once(ctx context.Context, method, path string, in any, want int, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, l.url+"/api/v2"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(api.SessionTokenHeader, l.token)
	res, err := l.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != want {
		return fmt.Errorf("%s: %.200s", res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (l *load) report(r *result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Requests, r.Failed, r.Slowest, r.Errors = l.requests, l.failed, int(l.slowest.Milliseconds()), l.errors
}
