package agentrpc

import "time"

// PortInspect is the port inside the tunnel on which an agent answers the
// server's questions about its machine, over HTTP:
//
//	GET    /api/v0/listening-ports                                  api.AgentListeningPorts
//	GET    /api/v0/containers                                       api.AgentContainers
//	POST   /api/v0/containers/devcontainers/{id}/recreate           begins it
//	DELETE /api/v0/containers/devcontainers/{id}                    begins it
//
// An error is an api.Error.
const PortInspect = 4

// Paths on PortInspect.
const (
	PathListeningPorts = "/api/v0/listening-ports"
	PathContainers     = "/api/v0/containers"
	PathDevcontainers  = "/api/v0/containers/devcontainers/"
)

// InspectTimeout bounds one question.
const InspectTimeout = 20 * time.Second

// Limits of the answers.
const (
	MinListeningPort  = 9 // ports below are nobody's to offer
	MaxListeningPorts = 512
	MaxProcessName    = 64
	MaxContainers     = 128     // and as many dev containers
	MaxInspectAnswer  = 8 << 20 // bytes
)
