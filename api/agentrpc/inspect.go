package agentrpc

// PortInspect is the port inside the tunnel on which an agent answers the
// server's questions about its machine, over HTTP:
//
//	GET /api/v0/listening-ports    api.AgentListeningPorts
const PortInspect = 4

// PathListeningPorts is a path on PortInspect.
const PathListeningPorts = "/api/v0/listening-ports"

// Limits of the answers.
const (
	MinListeningPort  = 9 // ports below are nobody's to offer
	MaxListeningPorts = 512
	MaxProcessName    = 64
	MaxInspectAnswer  = 1 << 20 // bytes
)
