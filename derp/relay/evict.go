package relay

import (
	"context"
	"fmt"
	"time"

	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/types/key"
)

// The library ends a client's connection only at the word of a mesh peer. So
// the relay keeps one mesh connection to itself, over its own listener.

// maxEvicting bounds the keys on their way out. Beyond it keys are let go: their
// peers have forgotten them, so their packets reach nobody.
const maxEvicting = 4096

// Evict ends the connections of a node key that no longer belongs here. It
// never blocks; the connection ends a moment later. A key that Verify still
// admits may come back.
func (r *Relay) Evict(nodeKey string) {
	var k key.NodePublic
	if k.UnmarshalText([]byte(nodeKey)) != nil || k.IsZero() {
		return
	}
	select {
	case r.evict <- k:
	default:
	}
}

// evictLoop serves Evict until ctx ends.
func (r *Relay) evictLoop(ctx context.Context) error {
	mc, err := derphttp.NewClient(key.NewNode(), "http://"+r.ln.Addr().String()+"/derp", r.logf, netmon.NewStatic())
	if err != nil {
		return fmt.Errorf("connect the relay to itself: %w", err)
	}
	mc.MeshKey = r.server.MeshKey()
	defer mc.Close()
	received := make(chan struct{})
	go func() {
		defer close(received)
		drain(ctx, mc)
	}()
	defer func() { _ = mc.Close(); <-received }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case k := <-r.evict:
			if err := mc.ClosePeer(k); err != nil && ctx.Err() == nil {
				r.log.Debug("evicting a node did not work", "error", err)
			}
		}
	}
}

// drain reads what the server says, so that its keep-alives never pile up.
func drain(ctx context.Context, mc *derphttp.Client) {
	for ctx.Err() == nil {
		if _, err := mc.Recv(); err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second): // the library dials again at the next Recv
			}
		}
	}
}
