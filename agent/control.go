package agent

import (
	"context"
	"net"
	"time"

	"coder.internal/agent/scripts"
	"coder.internal/agent/stats"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// ControlPlane is the server as the agent sees it; *client.AgentClient is one.
// Each method makes one attempt.
type ControlPlane interface {
	Manifest(ctx context.Context) (agentrpc.Manifest, error)
	PostStartup(ctx context.Context, startup agentrpc.Startup) error
	PostLifecycle(ctx context.Context, change agentrpc.Lifecycle) error
	PostLogSource(ctx context.Context, source agentrpc.LogSource) error
	PostConnection(ctx context.Context, connection agentrpc.Connection) error
	PostUsage(ctx context.Context, usage agentrpc.Usage) error
	scripts.Reporter
	stats.Reporter
}

// Network is the agent's node. Listen works as soon as the node exists; its
// listeners close when Run returns. Run joins the network, finds the server again
// by itself for ever, and returns when ctx ends or the node is broken; then the
// agent makes another one.
type Network interface {
	Run(ctx context.Context) error
	Listen(port uint16) (net.Listener, error)
	// Sessions are resumable streams for SSH, of peers that are known as those of Listen
	// are.
	Sessions() net.Listener
	// Traffic counts what went through the tunnel since the node was made.
	Traffic() (received, sent agentrpc.Traffic)
	// Peers asks those who are connected for a sign, and returns how long each
	// answer took and whether it came directly. It blocks until all have answered
	// or ctx ends.
	Peers(ctx context.Context) []PeerAnswer
	// Relays measures how far the relays are, in milliseconds by region id, and
	// names the one through which others come. It blocks like Peers.
	Relays(ctx context.Context) (ms map[string]float64, home int)
}

// PeerAnswer is the answer of somebody who is connected.
type PeerAnswer struct {
	Latency time.Duration
	Direct  bool
}

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 10 * time.Second
	// heldCall is the length of a call after which the server counts as alive:
	// a manifest request that was held is repeated at once.
	heldCall = 2 * time.Second
)

// backoff waits longer after each failure, with jitter between half and all of
// it, so that agents do not come back all at once.
type backoff struct {
	a     *Agent
	delay time.Duration
}

// wait returns false when ctx ended. took is how long the failed call lasted.
func (b *backoff) wait(ctx context.Context, took time.Duration) bool {
	if b.delay == 0 || took >= heldCall {
		b.delay = minBackoff
	}
	timer := b.a.opts.Clock.NewTimer(b.delay/2+time.Duration(b.a.opts.Jitter()*float64(b.delay/2)), "backoff")
	defer timer.Stop()
	b.delay = min(2*b.delay, maxBackoff)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// fetchManifest tries until it has one; it returns early only when ctx ends.
func (a *Agent) fetchManifest(ctx context.Context) (agentrpc.Manifest, error) {
	pause := backoff{a: a}
	for {
		began := a.opts.Clock.Now()
		m, err := a.opts.Client.Manifest(ctx)
		if err == nil {
			return m, nil
		}
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		switch api.CodeOf(err) {
		case api.CodeUnauthenticated:
			a.opts.Log.Warn("token is not accepted yet, trying again", "error", err)
		case api.CodeUnavailable:
			a.opts.Log.Info("manifest is not ready, trying again", "error", err)
		default:
			a.opts.Log.Warn("no manifest, trying again", "error", err)
		}
		if !pause.wait(ctx, a.opts.Clock.Since(began)) {
			return m, ctx.Err()
		}
	}
}

// deliver repeats send until it succeeds, is refused for good, or ctx ends.
func (a *Agent) deliver(ctx context.Context, what string, send func(context.Context) error) error {
	pause := backoff{a: a}
	for {
		began := a.opts.Clock.Now()
		err := send(ctx)
		if err == nil {
			return nil
		}
		switch api.CodeOf(err) {
		case api.CodeInvalid, api.CodeForbidden, api.CodeNotFound, api.CodeConflict, api.CodeTooLarge, api.CodeUnsupported:
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		a.opts.Log.Debug("report not delivered, trying again", "report", what, "error", err)
		if !pause.wait(ctx, a.opts.Clock.Since(began)) {
			return err
		}
	}
}

// reliable is the control plane with repetition, for scripts and stats.
type reliable struct{ a *Agent }

func (r reliable) PatchLogs(ctx context.Context, v agentrpc.PatchLogs) error {
	return r.a.deliver(ctx, "logs", func(ctx context.Context) error { return r.a.opts.Client.PatchLogs(ctx, v) })
}

func (r reliable) PostScriptResult(ctx context.Context, v agentrpc.ScriptResult) error {
	return r.a.deliver(ctx, "script result", func(ctx context.Context) error { return r.a.opts.Client.PostScriptResult(ctx, v) })
}

func (r reliable) PostMetadata(ctx context.Context, v agentrpc.Metadata) error {
	return r.a.deliver(ctx, "metadata", func(ctx context.Context) error { return r.a.opts.Client.PostMetadata(ctx, v) })
}

func (r reliable) PostAppHealth(ctx context.Context, v agentrpc.AppHealth) error {
	return r.a.deliver(ctx, "app health", func(ctx context.Context) error { return r.a.opts.Client.PostAppHealth(ctx, v) })
}

func (r reliable) PostMonitors(ctx context.Context, v agentrpc.Monitors) error {
	return r.a.deliver(ctx, "monitors", func(ctx context.Context) error { return r.a.opts.Client.PostMonitors(ctx, v) })
}
