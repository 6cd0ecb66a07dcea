package agentrpc

import "coder.internal/api"

// PathConnections takes a Connection by POST.
const PathConnections = "/api/v2/workspaceagents/me/connections"

// What a Connection tells.
const (
	ConnectionBegan = "connect"
	ConnectionEnded = "disconnect"
)

// Connection tells that somebody's connection to the workspace has begun or ended.
// The same twice counts once. Type is ssh, vscode, jetbrains or port_forwarding;
// what browsers open is the server's to tell.
type Connection struct {
	ID     api.ID             `json:"id"`
	Action string             `json:"action"`
	Type   api.ConnectionType `json:"type"`
	IP     string             `json:"ip,omitempty" maxLength:"64"`
	// Target is the host and port of a forwarded connection.
	Target   string `json:"target,omitempty" maxLength:"300"`
	ExitCode int    `json:"exit_code,omitempty"`
	Reason   string `json:"reason,omitempty" maxLength:"512"`
}
