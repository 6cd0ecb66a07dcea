package tunnel

import (
	"context"

	"coder.internal/cmd/internal/cli"
	"coder.internal/derp/netcheck"
	"coder.internal/derp/tailnet"
)

// WhyRelayed says why packets to the agent go through a relay, as far as it can
// be known from here, and what would help. It may ask STUN servers, for 2 s at
// most.
func (t *Tunnel) WhyRelayed(ctx context.Context, env *cli.Env) (reason, cure string) {
	m, known := t.node.RelayMap()
	endpoints, peer := t.node.PeerEndpoints(t.agent)
	switch {
	case env.Global.DisableDirect:
		return "this computer does not want direct connections", "Leave out --disable-direct-connections and CODER_DISABLE_DIRECT_CONNECTIONS."
	case !known || !peer:
		return "the coordinator has not named the other side yet", "Try again in a few seconds."
	case m.BlockDirect:
		return "the deployment allows relays only", "The server was started with --block-direct-connections."
	case endpoints == 0:
		return "the agent offers no address", "Direct connections are switched off in the workspace, or UDP does not work there; run coder doctor in it."
	}
	s := netcheck.STUN(ctx, netcheck.Config{URL: t.c.URL(), Relays: &m})
	switch s.Status {
	case netcheck.Warning:
		return s.Detail, s.Cure
	case netcheck.Skipped:
		return s.Detail, "Give the server a STUN server that both sides reach: --derp-server-stun-addresses."
	}
	return "UDP passes from here, but the other side's NAT or firewall does not let it through",
		"Run coder doctor in the workspace; it may need UDP out to high ports."
}

// Path is how packets to the agent travel now, false while it is unknown.
func (t *Tunnel) Path() (tailnet.Path, bool) { return t.node.PathStatus(t.agent) }

// HomeRelay returns the name of the relay region that is nearest, "" while it is
// unknown.
func (t *Tunnel) HomeRelay() string {
	m, ok := t.node.RelayMap()
	if !ok {
		return ""
	}
	return m.Regions[t.node.HomeRelay()].Name
}
