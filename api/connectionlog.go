package api

import "time"

// ConnectionType is the kind of a connection to a workspace.
type ConnectionType string

// Connection types.
const (
	ConnectionSSH             ConnectionType = "ssh"
	ConnectionVSCode          ConnectionType = "vscode"
	ConnectionJetBrains       ConnectionType = "jetbrains"
	ConnectionReconnectingPTY ConnectionType = "reconnecting_pty"
	ConnectionWorkspaceApp    ConnectionType = "workspace_app"
	ConnectionPortForwarding  ConnectionType = "port_forwarding"
)

// ConnectionLog is one connection to a workspace. WebInfo is there for what a
// browser opened, SSHInfo for what can end.
type ConnectionLog struct {
	ID                     ID                    `json:"id"`
	ConnectTime            time.Time             `json:"connect_time"`
	Organization           MinimalOrganization   `json:"organization"`
	WorkspaceOwnerID       ID                    `json:"workspace_owner_id"`
	WorkspaceOwnerUsername string                `json:"workspace_owner_username"`
	WorkspaceID            ID                    `json:"workspace_id"`
	WorkspaceName          string                `json:"workspace_name"`
	AgentName              string                `json:"agent_name"`
	IP                     string                `json:"ip,omitempty"`
	Type                   ConnectionType        `json:"type"`
	WebInfo                *ConnectionLogWebInfo `json:"web_info,omitempty"`
	SSHInfo                *ConnectionLogSSHInfo `json:"ssh_info,omitempty"`
}

// ConnectionLogWebInfo says who opened what in a browser.
type ConnectionLogWebInfo struct {
	User       *User  `json:"user"`
	UserAgent  string `json:"user_agent"`
	SlugOrPort string `json:"slug_or_port"`
	StatusCode int    `json:"status_code"`
}

// ConnectionLogSSHInfo says when and why a connection ended; without a time it is
// open.
type ConnectionLogSSHInfo struct {
	ConnectionID     ID         `json:"connection_id"`
	DisconnectTime   *time.Time `json:"disconnect_time,omitempty"`
	DisconnectReason string     `json:"disconnect_reason,omitempty"`
	ExitCode         *int       `json:"exit_code,omitempty"`
}

// ConnectionLogResponse is one page of connections, newest first. Count stops at
// CountCap.
type ConnectionLogResponse struct {
	ConnectionLogs []ConnectionLog `json:"connection_logs"`
	Count          int             `json:"count"`
	CountCap       int             `json:"count_cap"`
}
