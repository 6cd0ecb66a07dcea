package api

// AgentListeningPorts are the ports that processes in a workspace listen on.
type AgentListeningPorts struct {
	Ports []AgentListeningPort `json:"ports"`
}

// AgentListeningPort is one of them. ProcessName is empty where the agent may not
// see the process.
type AgentListeningPort struct {
	ProcessName string `json:"process_name"`
	Network     string `json:"network"` // tcp
	Port        int    `json:"port"`
}
