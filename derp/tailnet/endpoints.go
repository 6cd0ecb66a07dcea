package tailnet

import (
	"net/netip"

	"tailscale.com/net/netmon"

	"coder.internal/api/tailrpc"
)

// localEndpoints are the interface addresses with our UDP port.
func localEndpoints(port uint16) []string {
	regular, loopback, err := netmon.LocalAddresses()
	if err != nil || port == 0 {
		return nil
	}
	if len(regular) == 0 {
		regular = loopback // a machine without a network still has itself
	}
	var eps []string
	for _, a := range regular {
		if len(eps) < tailrpc.MaxEndpoints && !a.IsLinkLocalUnicast() {
			eps = append(eps, netip.AddrPortFrom(a, port).String())
		}
	}
	return eps
}
