package tailnet

import (
	"time"

	"coder.internal/api"
)

// PeerEndpoints returns how many addresses a peer offers for direct packets;
// known is false until the coordinator has named it.
func (c *Conn) PeerEndpoints(id api.ID) (n int, known bool) {
	p, known, _ := c.peers.get(id)
	if !known {
		return 0, false
	}
	return p.node.Endpoints().Len(), true
}

// HomeRelay returns the id of the region through which others reach us, 0 while
// it is unknown.
func (c *Conn) HomeRelay() int { return c.relays.home() }

// RelayHeard returns when our home relay last sent us anything, which a relay that
// has admitted us does at once; zero before the first time.
func (c *Conn) RelayHeard() time.Time {
	return c.eng.health.GetDERPRegionReceivedTime(c.relays.home())
}
