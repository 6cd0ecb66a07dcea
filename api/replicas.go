package api

import "time"

// PathReplica is where each replica says below its relay URL who it is; nonce is 32
// hexadecimal digits of the one who asks.
const (
	PathReplica       = "/derp/replica"
	ReplicaNonceParam = "nonce"
)

// ReplicaIdentity is the answer. MAC is HMAC-SHA-256 in hexadecimal digits, with the
// deployment's mesh key, of "coder replica", the nonce and ReplicaID.
type ReplicaIdentity struct {
	ReplicaID ID     `json:"replica_id"`
	MAC       string `json:"mac"`
}

// Replica is one server process of the deployment, also one that has stopped within
// the last hour. Latencies are in microseconds.
type Replica struct {
	ID              ID               `json:"id"`
	Hostname        string           `json:"hostname"`
	CreatedAt       time.Time        `json:"created_at"`
	RelayAddress    string           `json:"relay_address"`
	RegionID        int              `json:"region_id"`
	Error           string           `json:"error"`
	DatabaseLatency int64            `json:"database_latency"`
	Version         string           `json:"version"`
	UpdatedAt       time.Time        `json:"updated_at" doc:"Its last sign of life."`
	StoppedAt       *time.Time       `json:"stopped_at,omitempty" doc:"When it stopped, or was found to be gone."`
	Latencies       map[string]int64 `json:"latencies" doc:"How far the relays of the others are, by id."`
}

// Causes why a replica is not ready.
const (
	NotReadyStarting = "starting"
	NotReadyDraining = "draining"
	NotReadyDatabase = "database"
)

// Readiness says whether a balancer should send requests to this replica.
type Readiness struct {
	Ready   bool   `json:"ready"`
	Cause   string `json:"cause,omitempty" enum:"starting,draining,database"`
	Message string `json:"message"`
}
