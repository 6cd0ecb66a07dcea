package tailnet

import (
	"os"
	"strconv"
	"sync"
)

// A relay's cost is per packet, so where every path is a relay large packets
// carry several times as much. On a direct path they would be cut into fragments
// by the hosts, which many networks drop.
//
// So every node can take large packets, and a stream is told at its start what
// it may send: the segment size in the peer's SYN or SYN-ACK is lowered on its
// way in (mss.go), unless this node or the peer, by its own word, is on relays
// only. Each side guards what it sends itself, so nodes of both kinds, and of older
// releases, go together. While a stream that began so is open, its node stays on
// relays, also when direct paths are allowed in the meantime; a peer that does not
// keep its word is met in guard.go.
//
// largeMTU makes a full window (maxBuffer) of 32 packets, which is what a relay
// queues for a client; larger ones are lost there, smaller ones are slower.
const largeMTU = 32_000

// creating is held while the library reads the size of packets, which it takes
// from the environment of the process.
var creating sync.Mutex

// withLargeMTU calls create so that the node it makes takes large packets.
func withLargeMTU(create func() error) error {
	const name = "TS_DEBUG_MTU"
	creating.Lock()
	defer creating.Unlock()
	if err := os.Setenv(name, strconv.Itoa(largeMTU)); err != nil {
		return err
	}
	defer os.Unsetenv(name) // what a workspace runs must not inherit it
	return create()
}
