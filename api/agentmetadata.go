package api

import "time"

// AgentMetadata is one item that an agent measures again and again, and its last
// value.
type AgentMetadata struct {
	Result      AgentMetadataResult      `json:"result"`
	Description AgentMetadataDescription `json:"description"`
}

// AgentMetadataResult is the last value. CollectedAt is the agent's clock, the
// zero time before the first value; Age is in seconds by the server's.
type AgentMetadataResult struct {
	CollectedAt time.Time `json:"collected_at"`
	Age         int64     `json:"age"`
	Value       string    `json:"value"`
	Error       string    `json:"error"`
}

// AgentMetadataDescription is what the template says; Interval and Timeout are in
// seconds.
type AgentMetadataDescription struct {
	DisplayName string `json:"display_name"`
	Key         string `json:"key"`
	Script      string `json:"script"`
	Interval    int64  `json:"interval"`
	Timeout     int64  `json:"timeout"`
}
