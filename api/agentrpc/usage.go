package agentrpc

import (
	"time"

	"coder.internal/api"
)

// PathUsage takes a Usage by POST.
const PathUsage = "/api/v2/workspaceagents/me/usage"

// UsageInterval is how often an agent in use reports. One that nobody uses is
// silent, but for its distance to the relays.
const UsageInterval = 30 * time.Second

// MaxUsageRelays bounds the relays of one report.
const MaxUsageRelays = 64

// Usage is who uses an agent and how much went over the network since the last
// report. A report that is sent again keeps its ID, and counts once.
type Usage struct {
	ID api.ID `json:"id"`
	// Seconds since the last report, at most those that the server allows for.
	Seconds int `json:"seconds" minimum:"0" maximum:"86400"`
	// Open are the sessions at the time of the report, Opened those that began
	// since the last one.
	Open   Sessions `json:"open"`
	Opened Sessions `json:"opened"`
	// Direct and Relayed are the peers that answer, by the way to them.
	Direct  int `json:"direct" minimum:"0" maximum:"100000"`
	Relayed int `json:"relayed" minimum:"0" maximum:"100000"`
	// LatencyMS is the median round trip to the peers in milliseconds, nil without
	// any.
	LatencyMS *float64 `json:"latency_ms,omitempty" minimum:"0" maximum:"600000"`
	Received  Traffic  `json:"received"`
	Sent      Traffic  `json:"sent"`
	// Relays are the round trips to the relays in milliseconds, by region id; nil
	// where they were not measured again.
	Relays    map[string]float64 `json:"relays,omitempty" maxProperties:"64"`
	HomeRelay int                `json:"home_relay,omitempty"`
}

// Sessions counts what people do on an agent, by kind.
type Sessions struct {
	SSH             int `json:"ssh" minimum:"0" maximum:"100000"`
	VSCode          int `json:"vscode" minimum:"0" maximum:"100000"`
	JetBrains       int `json:"jetbrains" minimum:"0" maximum:"100000"`
	ReconnectingPTY int `json:"reconnecting_pty" minimum:"0" maximum:"100000"`
	PortForwarding  int `json:"port_forwarding" minimum:"0" maximum:"100000"`
}

// Any says whether there are any.
func (s Sessions) Any() bool { return s != Sessions{} }

// Traffic is what went one way through the tunnel.
type Traffic struct {
	Packets int64 `json:"packets" minimum:"0" maximum:"1000000000000"`
	Bytes   int64 `json:"bytes" minimum:"0" maximum:"1000000000000000"`
}
