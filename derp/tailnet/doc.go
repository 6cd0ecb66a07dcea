// Package tailnet is a userspace WireGuard node: how an agent is reached and
// how everybody else reaches it.
//
// It owns the packet engine of tailscale.com (magicsock, wireguard-go, gVisor's
// TCP), the peers that a coordinator tells it, and the way to the relays. It
// never decides who may talk to whom: it talks to the peers it was given and to
// nobody else. It never touches the host's own network: no interface, no route,
// no port of the host can be reached through it, because every flow is either
// for a Listener of ours or refused.
//
// A Conn is New (the engine exists, nothing is known), then running inside Run
// (the coordinator's websocket is kept open and dialled again for ever), then
// closed for good. Streams live as long as the Conn, also while the coordinator
// or a relay is away.
//
//	Conn ── Exchange ──▶ coordinator: own node up; peers and relays down
//	  │
//	  ├── direct UDP ──────────────────────────▶ peer
//	  └── loopback relay ── HTTP upgrade or websocket ──▶ relay ──▶ peer
//
// The loopback relay is a listener on 127.0.0.1 of this process. The engine can
// only dial relays in its own way, plain or TLS for the whole process; through
// the loopback relay it always dials plainly, and the outer half copes with
// TLS, private CAs, path prefixes, HTTP proxies, extra headers and middleboxes
// that pass websockets only.
//
// Addresses are tailrpc.AddressOf(id), so a peer cannot claim another's.
//
// TS_* environment variables of the packet library reach it; they are meant for
// debugging only.
package tailnet
