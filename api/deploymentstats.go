package api

import "time"

// DeploymentStats says how much a deployment is used. What went over the network
// is that since AggregatedFrom; NextUpdateAt is when asking again tells more.
type DeploymentStats struct {
	AggregatedFrom time.Time                `json:"aggregated_from"`
	CollectedAt    time.Time                `json:"collected_at"`
	NextUpdateAt   time.Time                `json:"next_update_at"`
	Workspaces     WorkspaceDeploymentStats `json:"workspaces"`
	SessionCount   SessionCounts            `json:"session_count"`
}

// WorkspaceDeploymentStats counts workspaces by the state of their last build, and
// their agents' traffic in bytes.
type WorkspaceDeploymentStats struct {
	Pending             int64             `json:"pending"`
	Building            int64             `json:"building"`
	Running             int64             `json:"running"`
	Failed              int64             `json:"failed"`
	Stopped             int64             `json:"stopped"`
	ConnectionLatencyMS ConnectionLatency `json:"connection_latency_ms"`
	RxBytes             int64             `json:"rx_bytes"`
	TxBytes             int64             `json:"tx_bytes"`
}

// ConnectionLatency is how far people are from their agents; -1 where nobody is
// connected.
type ConnectionLatency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
}

// SessionCounts are the sessions that are open now.
type SessionCounts struct {
	VSCode          int64 `json:"vscode"`
	SSH             int64 `json:"ssh"`
	JetBrains       int64 `json:"jetbrains"`
	ReconnectingPTY int64 `json:"reconnecting_pty"`
}
