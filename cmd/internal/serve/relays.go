package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"

	"coder.internal/api/tailrpc"
	"coder.internal/coderd/coordinator"
	"coder.internal/coderd/rendezvous"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/mapfeed"
	"coder.internal/derp/relay"
	"coder.internal/internal/clock"
)

// validate checks how the relay options fit together.
func (c *DERPConfig) validate() error {
	switch {
	case c.MapURL != "" && c.MapPath != "":
		return errors.New("option --derp-config-url: only one of --derp-config-url and --derp-config-path may be set")
	case !c.Enable && c.MapURL == "" && c.MapPath == "":
		return errors.New("option --derp-server-enable: without the embedded relay, --derp-config-path or --derp-config-url must name others")
	case !c.Enable && c.STUNListen != "":
		return errors.New("option --derp-server-stun-listen-address: needs --derp-server-enable")
	}
	if c.MapURL != "" {
		if u, err := url.Parse(c.MapURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("option --derp-config-url: is not a URL that starts with http:// or https://")
		}
	}
	return nil
}

// stunAddresses are the servers of the option; "disable" is none.
func (c *DERPConfig) stunAddresses() []string {
	if len(c.STUNAddresses) == 1 && c.STUNAddresses[0] == "disable" {
		return nil
	}
	return c.STUNAddresses
}

// buildNetwork makes the coordinator, the embedded relay and the map of all.
func (s *Server) buildNetwork(ctx context.Context, p *slices) (err error) {
	c := &s.cfg.DERP
	if c.RelayURL != nil {
		s.log.Warn("--derp-server-relay-url has no effect: this release does not connect the relays of replicas", "component", "relay")
	}
	options := coordinator.Options{Log: s.log, Clock: clock.Real(), RelayMap: func() tailrpc.RelayMap { return s.relayMap() }}
	if c.Enable {
		options.Forgotten = func(key string) { p.relay.Evict(key) }
	}
	if p.coordinator, err = coordinator.New(options); err != nil {
		return err
	}
	p.rendezvous, err = rendezvous.New(rendezvous.Options{DB: s.db, PubSub: p.pubsub, Log: s.log, Clock: clock.Real(),
		Replica: s.replicaID, Coordinator: p.coordinator})
	if err != nil {
		return err
	}
	if c.Enable {
		p.relay, err = relay.New(relay.Config{Verify: p.coordinator.AwaitKnown, Knows: p.coordinator.Knows,
			STUNAddr: c.STUNListen, Log: s.log})
		if err != nil && c.STUNListen != "" {
			return fmt.Errorf("option --derp-server-stun-listen-address: %w", err)
		}
		if err != nil {
			return err
		}
	}
	base, err := s.embeddedRelay(p.relay)
	if err != nil {
		return err
	}
	return s.buildRelayMap(ctx, p, base)
}

// embeddedRelay is the map with the embedded relay, or with none.
func (s *Server) embeddedRelay(r *relay.Relay) (tailrpc.RelayMap, error) {
	c := &s.cfg.DERP
	stun := c.stunAddresses()
	if r != nil && r.STUNAddr().IsValid() {
		stun = append([]string{ownSTUN(r.STUNAddr(), s.accessURL)}, stun...)
	}
	conf := derpmap.Config{RegionID: c.RegionID, Code: c.RegionCode, Name: c.RegionName,
		STUNAddresses: stun, BlockDirect: s.cfg.BlockDirect, ForceWebSockets: c.ForceWebSockets}
	if err := conf.Validate(); err != nil {
		return tailrpc.RelayMap{}, fmt.Errorf("option --derp-server-stun-addresses: %w", err)
	}
	m := derpmap.Build(conf)
	if r == nil {
		m.Regions = map[int]tailrpc.Region{}
	}
	return m, nil
}

// ownSTUN is where nodes ask our STUN server: at the address it listens on, or
// at the access URL's host where it listens on all.
func ownSTUN(at netip.AddrPort, access *url.URL) string {
	if !at.Addr().IsUnspecified() {
		return at.String()
	}
	return net.JoinHostPort(access.Hostname(), strconv.Itoa(int(at.Port())))
}

// buildRelayMap adds the relays of the file or the URL.
func (s *Server) buildRelayMap(ctx context.Context, p *slices, base tailrpc.RelayMap) error {
	s.relayMap = func() tailrpc.RelayMap { return base }
	switch c := &s.cfg.DERP; {
	case c.MapPath != "":
		m, err := readRelayMap(c.MapPath, base)
		if err != nil {
			return fmt.Errorf("option --derp-config-path: %w", err)
		}
		s.relayMap = func() tailrpc.RelayMap { return m }
	case c.MapURL != "":
		u, err := url.Parse(c.MapURL)
		if err != nil {
			return errors.New("option --derp-config-url: is not a URL") // Validate has said it
		}
		p.feed, err = mapfeed.New(ctx, mapfeed.Config{URL: u, Base: base, CacheDir: s.cfg.CacheDir, Client: http.DefaultClient,
			Clock: clock.Real(), Log: s.log, Changed: p.coordinator.RelayMapChanged})
		if err != nil {
			return fmt.Errorf("option --derp-config-url: %w", err)
		}
		s.relayMap = p.feed.Map
	}
	return nil
}

func readRelayMap(path string, base tailrpc.RelayMap) (tailrpc.RelayMap, error) {
	info, err := os.Stat(path)
	if err != nil {
		return base, err
	}
	if !info.Mode().IsRegular() {
		return base, fmt.Errorf("%s: is not a file", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return base, err
	}
	more, err := derpmap.Parse(data)
	if err != nil {
		return base, fmt.Errorf("%s: %w", path, err)
	}
	m, err := derpmap.With(base, more)
	if err != nil {
		return base, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
