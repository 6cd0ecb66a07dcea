// Package derpmap turns configuration into a relay map, and a relay map into
// the form that the packet library reads. Pure functions; it never does I/O.
package derpmap

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"tailscale.com/tailcfg"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// Defaults of the embedded region.
const (
	DefaultRegionID = 999
	DefaultCode     = "coder"
	DefaultName     = "Coder Embedded Relay"
)

// Config describes the embedded region.
type Config struct {
	RegionID        int      // 0 means DefaultRegionID
	Code            string   // "" means DefaultCode
	Name            string   // "" means DefaultName
	URL             string   // base URL of the relay; "" means the access URL
	STUNAddresses   []string // host:port each; ignored with BlockDirect
	BlockDirect     bool
	ForceWebSockets bool
}

// maxSTUN bounds the STUN servers, since each is asked at every network change.
const maxSTUN = 32

// Validate reports the first bad value as an *api.Error.
func (c Config) Validate() error {
	switch {
	case c.RegionID < 0 || c.RegionID > 65535:
		return api.Invalid("region_id", "must be between 1 and 65535")
	case len(c.STUNAddresses) > maxSTUN:
		return api.Invalid("stun_addresses", fmt.Sprintf("at most %d are allowed", maxSTUN))
	}
	for _, a := range c.STUNAddresses {
		if _, _, err := splitHostPort(a); err != nil {
			return api.Invalid("stun_addresses", fmt.Sprintf("%q must be host:port", a))
		}
	}
	return nil
}

// Build returns the map of a deployment with only its embedded region.
func Build(c Config) tailrpc.RelayMap {
	r := tailrpc.Region{ID: c.RegionID, Code: c.Code, Name: c.Name}
	if r.ID == 0 {
		r.ID = DefaultRegionID
	}
	if r.Code == "" {
		r.Code = DefaultCode
	}
	if r.Name == "" {
		r.Name = DefaultName
	}
	stun := c.STUNAddresses
	if c.BlockDirect || len(stun) == 0 {
		stun = []string{""}
	}
	for i, s := range stun {
		r.Nodes = append(r.Nodes, tailrpc.RelayNode{
			Name: fmt.Sprintf("%d-%d", r.ID, i), URL: c.URL, STUN: s,
		})
	}
	return tailrpc.RelayMap{
		Regions:     map[int]tailrpc.Region{r.ID: r},
		BlockDirect: c.BlockDirect,
		ForceWS:     c.ForceWebSockets,
	}
}

// RelayURLs returns the distinct /derp URLs of a region, in order. An empty URL
// of a node stands for access.
func RelayURLs(r tailrpc.Region, access *url.URL) ([]*url.URL, error) {
	var out []*url.URL
	seen := map[string]bool{}
	for _, n := range r.Nodes {
		base := access
		if n.URL != "" {
			u, err := url.Parse(n.URL)
			if err != nil {
				return nil, fmt.Errorf("relay region %d: %w", r.ID, err)
			}
			base = u
		}
		if base == nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return nil, fmt.Errorf("relay region %d: node %q has no http or https URL", r.ID, n.Name)
		}
		u := base.JoinPath("derp")
		if !seen[u.String()] {
			seen[u.String()] = true
			out = append(out, u)
		}
	}
	return out, nil
}

// Via is where the packet library reaches a region: a listener that speaks
// plain HTTP, and the Host header that opens it.
type Via struct {
	Addr netip.AddrPort
	Host string
}

// ToTailcfg converts m. Regions without an entry in via are left out: nothing
// could be sent there.
func ToTailcfg(m tailrpc.RelayMap, via map[int]Via) (*tailcfg.DERPMap, error) {
	dm := &tailcfg.DERPMap{OmitDefaultRegions: true, Regions: map[int]*tailcfg.DERPRegion{}}
	for id, r := range m.Regions {
		v, ok := via[id]
		if !ok {
			continue
		}
		tr := &tailcfg.DERPRegion{RegionID: id, RegionCode: r.Code, RegionName: r.Name}
		if !m.BlockDirect {
			nodes, err := stunNodes(id, r.Nodes)
			if err != nil {
				return nil, err
			}
			tr.Nodes = nodes
		}
		tr.Nodes = withSilent(id, tr.Nodes)
		relay := &tailcfg.DERPNode{
			Name: strconv.Itoa(id) + "relay", RegionID: id, HostName: v.Host,
			DERPPort: int(v.Addr.Port()), STUNPort: -1, IPv4: "none", IPv6: "none",
		}
		if v.Addr.Addr().Is4() {
			relay.IPv4 = v.Addr.Addr().String()
		} else {
			relay.IPv6 = v.Addr.Addr().String()
		}
		if len(tr.Nodes) == 1 {
			tr.Nodes = []*tailcfg.DERPNode{relay, tr.Nodes[0]}
		} else {
			tr.Nodes = append(tr.Nodes, relay)
		}
		dm.Regions[id] = tr
	}
	return dm, nil
}

// stunNodes come first: the network check asks nodes in their order and waits
// seconds for a first one that cannot answer.
func stunNodes(region int, nodes []tailrpc.RelayNode) ([]*tailcfg.DERPNode, error) {
	var out []*tailcfg.DERPNode
	for i, n := range nodes {
		if n.STUN == "" {
			continue
		}
		host, port, err := splitHostPort(n.STUN)
		if err != nil {
			return nil, fmt.Errorf("relay region %d: STUN address %q: %w", region, n.STUN, err)
		}
		s := &tailcfg.DERPNode{
			Name: fmt.Sprintf("%dstun%d", region, i), RegionID: region,
			HostName: host, STUNOnly: true, STUNPort: port,
		}
		if ip, err := netip.ParseAddr(host); err == nil {
			s.IPv4, s.IPv6 = "none", "none"
			if ip.Unmap().Is4() {
				s.IPv4 = ip.Unmap().String()
			} else {
				s.IPv6 = ip.String()
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// withSilent adds a node on the discard port (RFC 863) of loopback, which never
// answers. The network check sends to the first three nodes of a region, one
// each 100 ms. Where it could send to none, because no name resolves or no STUN
// server is set, the packet library takes its sockets for broken: it binds new
// ones and drops its relays, again and again. Sending is all that it asks for.
func withSilent(region int, stun []*tailcfg.DERPNode) []*tailcfg.DERPNode {
	silent := &tailcfg.DERPNode{
		Name: strconv.Itoa(region) + "silent", RegionID: region, HostName: "127.0.0.1",
		IPv4: "127.0.0.1", IPv6: "none", STUNOnly: true, STUNPort: 9,
	}
	switch len(stun) {
	case 0:
		return []*tailcfg.DERPNode{silent}
	case 1: // asked twice, as a datagram may be lost
		again := *stun[0]
		again.Name += "again"
		stun = append(stun, &again)
	}
	return slices.Insert(stun, 1, silent)
}

func splitHostPort(s string) (string, int, error) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(p, 10, 16)
	if err != nil || port == 0 || host == "" {
		return "", 0, fmt.Errorf("%q is not host:port", s)
	}
	return host, int(port), nil
}
