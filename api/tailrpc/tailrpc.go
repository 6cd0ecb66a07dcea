// Package tailrpc is the contract of the network node exchange: who tells whom
// which WireGuard peers exist.
//
// One websocket per node, JSON text messages, to
//
//	GET /api/v2/workspaceagents/me/coordinate         agents, with their token
//	GET /api/v2/workspaceagents/{id}/coordinate       a person who may ssh to that agent
//
// A node sends ClientMessage, the server ServerMessage. Order: the server first
// sends the RelayMap, then peers as they come and go; the node sends its Node as
// soon as it has a home relay, and again whenever it changes. A node learns only of peers that
// have a tunnel with it: clients learn their one agent, an agent learns the
// clients that asked for it. Closing the websocket ends the tunnel: the server
// sends the other side Gone after GoneDelay unless the node has come back, so
// that a lost server does not cut a living session.
//
// Every message is whole state for the ids it names, so repeating or dropping
// all but the newest is harmless. Keys in a message are accepted only for the
// node that the connection authenticated: a node speaks for itself alone.
package tailrpc

import (
	"time"

	"coder.internal/api"
)

// GoneDelay is how long a peer stays known after its websocket closed.
const GoneDelay = 30 * time.Second

// MaxMessage bounds one websocket message in bytes.
const MaxMessage = 1 << 20

// ClientIDParam is the query parameter in which a client names the id it made
// for itself. It keeps the id when it dials again, so that its address and its
// open streams outlive a replica. The server binds the id to the first node key
// that came with it.
const ClientIDParam = "client_id"

// MaxWant bounds the agents that one node may ask for at a time.
const MaxWant = 10_000

// MaxEndpoints bounds the addresses of one node.
const MaxEndpoints = 64

// StreamKeySize is the length of Node.StreamKey in bytes, MaxStreamEndpoints bounds its
// addresses.
const (
	StreamKeySize      = 32
	MaxStreamEndpoints = 16
)

// Node is what the others must know of a node to send it packets. Keys are in
// the text forms of tailscale.com/types/key ("nodekey:…", "discokey:…").
type Node struct {
	ID        api.ID    `json:"id"` // agent id, or a random id per client process; set by the server
	Key       string    `json:"key"`
	DiscoKey  string    `json:"disco_key"`
	Addresses []string  `json:"addresses"` // IPv6 prefixes inside our ULA /48; checked against ID by the server
	Endpoints []string  `json:"endpoints"` // ip:port; empty where direct is off
	HomeRelay int       `json:"home_relay"`
	AsOf      time.Time `json:"as_of"`
	// RelayOnly says that the node uses relays alone, and goes on so until the streams
	// that begin under this word have ended, so that peers may send large packets in
	// them. The server clears Endpoints then. Older nodes and servers leave it out,
	// which costs them nothing but speed.
	RelayOnly bool `json:"relay_only,omitempty"`
	// StreamKey is the ed25519 key that the node shows in direct TCP connections, and
	// StreamEndpoints are the ip:port where it takes them. Only peers with a tunnel hear
	// them. The server clears the addresses where direct paths are off. Older nodes and
	// servers leave them out; then streams travel in packets.
	StreamKey       []byte   `json:"stream_key,omitempty"`
	StreamEndpoints []string `json:"stream_endpoints,omitempty"`
}

// ClientMessage is sent by nodes. Want is the whole set of agents that a server
// or a proxy asks for; nil is "unchanged". From agents and ordinary clients it
// is ignored: theirs is fixed by the route.
type ClientMessage struct {
	Node *Node    `json:"node,omitempty"`
	Want []api.ID `json:"want,omitzero"`
}

// ServerMessage is sent by the server. RelayMap is nil when unchanged. Left are
// those of Gone that do not come back: they said goodbye or lost the right to the
// tunnel. The others may have lost the server only; streams with them stay open.
type ServerMessage struct {
	RelayMap *RelayMap `json:"relay_map,omitempty"`
	Self     api.ID    `json:"self,omitzero"` // first message: the id of the receiver
	Upsert   []Node    `json:"upsert,omitempty"`
	Gone     []api.ID  `json:"gone,omitempty"`
	Left     []api.ID  `json:"left,omitempty"`
	Move     bool      `json:"move,omitempty"` // this replica is stopping: reconnect elsewhere soon
	// Streams asks an agent for a connection that carries streams, see
	// agentrpc.PathStreams. Those of earlier releases leave it alone.
	Streams bool `json:"streams,omitempty"`
}

// RelayMap is the set of relays that nodes may use. Regions are keyed by id.
type RelayMap struct {
	Regions     map[int]Region `json:"regions"`
	BlockDirect bool           `json:"block_direct"`
	ForceWS     bool           `json:"force_websockets"`
}

// Region is one relay or group of meshed relays behind one URL.
type Region struct {
	ID    int         `json:"id"`
	Code  string      `json:"code"`
	Name  string      `json:"name"`
	Nodes []RelayNode `json:"nodes"`
}

// RelayNode is one address of a region. URL is the base ("https://host:port/prefix");
// the relay is at URL + "/derp". An empty URL means the deployment's access URL
// as the receiver knows it. STUN is "host:port", empty for none.
type RelayNode struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	STUN string `json:"stun,omitempty"`
}

// ConnectionInfo is the answer of GET /api/v2/workspaceagents/connection: what a
// client must know before it joins.
type ConnectionInfo struct {
	RelayMap        RelayMap `json:"derp_map"`
	BlockDirect     bool     `json:"disable_direct_connections"`
	ForceWebSockets bool     `json:"derp_force_websockets"`
	HostnameSuffix  string   `json:"hostname_suffix"`
}
