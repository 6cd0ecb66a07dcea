package stats

import (
	"context"
	"io"
	"net/http"
	"time"

	"coder.internal/api"
)

// Healths of an app, as the control plane knows them.
const (
	HealthInitializing = "initializing"
	HealthHealthy      = "healthy"
	HealthUnhealthy    = "unhealthy"
)

const (
	defaultProbeInterval = 5 * time.Second
	maxProbeTimeout      = 30 * time.Second
	maxProbeBody         = 64 << 10
)

// watchApp probes on the app's interval and reports changes. An app is unhealthy
// after Threshold failures in a row, and healthy after one success.
func (w *Watcher) watchApp(ctx context.Context, app api.WorkspaceApp) {
	interval := time.Duration(app.Healthcheck.Interval) * time.Second
	if interval <= 0 {
		interval = defaultProbeInterval
	}
	// One client per app, without connections kept: an idle agent stays idle.
	client := &http.Client{
		Timeout:       min(interval, maxProbeTimeout),
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: maxProbeBody},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	state, failures := HealthInitializing, 0
	tick := w.opts.Clock.NewTicker(interval, "health")
	defer tick.Stop()
	for {
		now := state
		if probe(ctx, client, app.Healthcheck.URL) {
			failures, now = 0, HealthHealthy
		} else if failures++; failures >= app.Healthcheck.Threshold {
			now = HealthUnhealthy
		}
		if ctx.Err() != nil {
			return
		}
		if now != state {
			state = now
			w.putHealth(app.ID, state)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// probe reports whether the URL answers with a status below 500.
func probe(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxProbeBody)
	_ = resp.Body.Close()
	return resp.StatusCode < 500
}
