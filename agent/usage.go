package agent

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"coder.internal/agent/sshd"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

const (
	firstUsage     = 2 * time.Second  // after the start: the distance to the relays
	usageTimeout   = 5 * time.Second  // of one measurement
	maxOpened      = 100_000          // of one report, as the server takes it
	relaysInterval = 10 * time.Minute // between two measurements of the relays
	// A relay whose distance changed by less is not reported again.
	relayChange, relayChangeMS = 0.25, 5
)

// usage counts who uses the agent, and reports it. One report is under way at a
// time; what happens meanwhile belongs to the next one. An agent that nobody uses
// reports nothing.
type usage struct {
	a *Agent

	mu           sync.Mutex
	open, opened agentrpc.Sessions
	node         Network
	received     agentrpc.Traffic // of node, as in the last report
	sent         agentrpc.Traffic

	// These belong to run.
	last     time.Time // of the last report or, without one, of the last look
	wasOpen  bool      // as the server knows it
	relays   map[string]float64
	home     int
	relaysAt time.Time
}

func newUsage(a *Agent) *usage { return &usage{a: a} }

// setNode names the node whose traffic counts; nil for none.
func (u *usage) setNode(n Network) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.node, u.received, u.sent = n, agentrpc.Traffic{}, agentrpc.Traffic{}
}

// began counts one of what of returns.
func (u *usage) began(of func(*agentrpc.Sessions) *int) (ended func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	*of(&u.open)++
	*of(&u.opened)++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		*of(&u.open)--
	}
}

func (u *usage) beganSSH(k sshd.Kind) func() {
	switch k {
	case sshd.KindVSCode:
		return u.began(func(s *agentrpc.Sessions) *int { return &s.VSCode })
	case sshd.KindJetBrains:
		return u.began(func(s *agentrpc.Sessions) *int { return &s.JetBrains })
	case sshd.KindForward:
		return u.began(func(s *agentrpc.Sessions) *int { return &s.PortForwarding })
	}
	return u.began(func(s *agentrpc.Sessions) *int { return &s.SSH })
}

func (u *usage) beganTerminal() func() {
	return u.began(func(s *agentrpc.Sessions) *int { return &s.ReconnectingPTY })
}

// run reports until ctx ends.
func (u *usage) run(ctx context.Context) {
	u.last = u.a.opts.Clock.Now()
	pause := firstUsage
	for {
		timer := u.a.opts.Clock.NewTimer(pause, "usage")
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = agentrpc.UsageInterval
		r, ok := u.report(ctx)
		if !ok {
			continue
		}
		err := u.a.deliver(ctx, "usage", func(ctx context.Context) error { return u.a.opts.Client.PostUsage(ctx, r) })
		if err != nil && ctx.Err() == nil {
			u.a.opts.Log.Debug("usage refused", "error", err)
		}
	}
}

// report takes what has gathered; false where there is nothing to say.
func (u *usage) report(ctx context.Context) (agentrpc.Usage, bool) {
	now := u.a.opts.Clock.Now()
	u.mu.Lock()
	node, open, opened := u.node, u.open, u.opened
	u.opened = agentrpc.Sessions{}
	u.mu.Unlock()
	for _, n := range []*int{&opened.SSH, &opened.VSCode, &opened.JetBrains, &opened.ReconnectingPTY, &opened.PortForwarding} {
		*n = min(*n, maxOpened) // the server may have been away for long
	}
	r := agentrpc.Usage{ID: api.NewID(), Open: open, Opened: opened,
		Seconds: int(min(math.Round(now.Sub(u.last).Seconds()), 86400))}
	u.last = now
	active := open.Any() || opened.Any() || u.wasOpen
	if node != nil {
		ctx, cancel := context.WithTimeout(ctx, usageTimeout)
		defer cancel()
		u.measureRelays(ctx, node, now, &r)
		if active {
			u.measure(ctx, node, &r)
		}
	}
	if !active && r.Relays == nil {
		return r, false
	}
	u.wasOpen = open.Any()
	return r, true
}

// measure adds the traffic since the last report and the way to the peers.
func (u *usage) measure(ctx context.Context, node Network, r *agentrpc.Usage) {
	var all []float64
	for _, p := range node.Peers(ctx) {
		all = append(all, float64(p.Latency)/float64(time.Millisecond))
		if p.Direct {
			r.Direct++
		} else {
			r.Relayed++
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		r.LatencyMS = &all[len(all)/2]
	}
	received, sent := node.Traffic()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.node != node {
		return // another node has taken over, and counts from zero
	}
	r.Received, r.Sent = less(received, u.received), less(sent, u.sent)
	u.received, u.sent = received, sent
}

func less(now, before agentrpc.Traffic) agentrpc.Traffic {
	return agentrpc.Traffic{Packets: max(0, now.Packets-before.Packets), Bytes: max(0, now.Bytes-before.Bytes)}
}

// measureRelays adds the distance to the relays now and then, if it has changed.
func (u *usage) measureRelays(ctx context.Context, node Network, now time.Time, r *agentrpc.Usage) {
	if len(u.relays) > 0 && now.Sub(u.relaysAt) < relaysInterval {
		return
	}
	relays, home := node.Relays(ctx)
	if len(relays) == 0 || len(relays) > agentrpc.MaxUsageRelays {
		return
	}
	u.relaysAt = now
	if home == u.home && !moved(u.relays, relays) {
		return
	}
	u.relays, u.home = relays, home
	r.Relays, r.HomeRelay = relays, home
}

func moved(before, now map[string]float64) bool {
	if len(before) != len(now) {
		return true
	}
	for id, ms := range now {
		old, ok := before[id]
		if change := math.Abs(ms - old); !ok || change > relayChangeMS && change > relayChange*old {
			return true
		}
	}
	return false
}
