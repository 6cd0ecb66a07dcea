package api

import "time"

// AgentContainers are the containers that run in a workspace beside its agent.
type AgentContainers struct {
	Containers    []AgentContainer    `json:"containers"`
	Devcontainers []AgentDevcontainer `json:"devcontainers"`
	Warnings      []string            `json:"warnings,omitempty"`
}

// AgentContainer is one container. Volumes are paths in it by paths outside.
type AgentContainer struct {
	CreatedAt time.Time            `json:"created_at"`
	ID        string               `json:"id"`
	Name      string               `json:"name"`
	Image     string               `json:"image"`
	Labels    map[string]string    `json:"labels"`
	Running   bool                 `json:"running"`
	Ports     []AgentContainerPort `json:"ports"`
	Status    string               `json:"status"`
	Volumes   map[string]string    `json:"volumes"`
}

// AgentContainerPort is a port of a container; HostPort is 0 where it is not
// published.
type AgentContainerPort struct {
	Port     int    `json:"port"`
	Network  string `json:"network"`
	HostIP   string `json:"host_ip,omitempty"`
	HostPort int    `json:"host_port,omitempty"`
}

// DevcontainerStatus says how a dev container is.
type DevcontainerStatus string

// States of dev containers.
const (
	DevcontainerRunning  DevcontainerStatus = "running"
	DevcontainerStopped  DevcontainerStatus = "stopped"
	DevcontainerStarting DevcontainerStatus = "starting"
	DevcontainerDeleting DevcontainerStatus = "deleting"
	DevcontainerError    DevcontainerStatus = "error"
)

// AgentDevcontainer is a dev container of the template, or one found in the
// workspace. Dirty means that its configuration has changed since it was made.
type AgentDevcontainer struct {
	ID              ID                 `json:"id"`
	Name            string             `json:"name"`
	WorkspaceFolder string             `json:"workspace_folder"`
	ConfigPath      string             `json:"config_path,omitempty"`
	SubagentID      *ID                `json:"subagent_id,omitempty"`
	Status          DevcontainerStatus `json:"status"`
	Dirty           bool               `json:"dirty"`
	Container       *AgentContainer    `json:"container,omitempty"`
	Error           string             `json:"error,omitempty"`
}
