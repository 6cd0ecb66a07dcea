package api

import "time"

// AgentStatus says whether the server hears from an agent.
type AgentStatus string

// Agent states: connecting until the first connection, timeout when that took
// longer than the template allows.
const (
	AgentConnecting   AgentStatus = "connecting"
	AgentConnected    AgentStatus = "connected"
	AgentDisconnected AgentStatus = "disconnected"
	AgentTimeout      AgentStatus = "timeout"
)

// AgentLifecycle says how far the scripts of an agent have come.
type AgentLifecycle string

// Agent lifecycle states, in the order in which they can happen.
const (
	LifecycleCreated         AgentLifecycle = "created"
	LifecycleStarting        AgentLifecycle = "starting"
	LifecycleStartTimeout    AgentLifecycle = "start_timeout"
	LifecycleStartError      AgentLifecycle = "start_error"
	LifecycleReady           AgentLifecycle = "ready"
	LifecycleShuttingDown    AgentLifecycle = "shutting_down"
	LifecycleShutdownTimeout AgentLifecycle = "shutdown_timeout"
	LifecycleShutdownError   AgentLifecycle = "shutdown_error"
	LifecycleOff             AgentLifecycle = "off"
)

// Starting reports whether the start scripts still have to run or are running.
func (l AgentLifecycle) Starting() bool {
	return l == LifecycleCreated || l == LifecycleStarting
}

// ShuttingDown reports whether the agent has begun to stop.
func (l AgentLifecycle) ShuttingDown() bool {
	switch l {
	case LifecycleShuttingDown, LifecycleShutdownTimeout, LifecycleShutdownError, LifecycleOff:
		return true
	}
	return false
}

// WorkspaceAgent is a process in a workspace that lets people in.
type WorkspaceAgent struct {
	ID                       ID                `json:"id"`
	ParentID                 *ID               `json:"parent_id"`
	ResourceID               ID                `json:"resource_id"`
	Name                     string            `json:"name"`
	Status                   AgentStatus       `json:"status"`
	LifecycleState           AgentLifecycle    `json:"lifecycle_state"`
	OperatingSystem          string            `json:"operating_system"`
	Architecture             string            `json:"architecture"`
	Directory                string            `json:"directory,omitempty"`
	ExpandedDirectory        string            `json:"expanded_directory,omitempty"`
	EnvironmentVariables     map[string]string `json:"environment_variables"`
	InstanceID               string            `json:"instance_id,omitempty"`
	Version                  string            `json:"version"`
	APIVersion               string            `json:"api_version"`
	Apps                     []WorkspaceApp    `json:"apps"`
	DisplayApps              []string          `json:"display_apps"`
	LogSources               []AgentLogSource  `json:"log_sources"`
	Scripts                  []AgentScript     `json:"scripts"`
	LogsLength               int               `json:"logs_length"`
	LogsOverflowed           bool              `json:"logs_overflowed"`
	StartupScriptBehavior    string            `json:"startup_script_behavior"`
	ConnectionTimeoutSeconds int               `json:"connection_timeout_seconds"`
	TroubleshootingURL       string            `json:"troubleshooting_url"`
	Subsystems               []string          `json:"subsystems"`
	Health                   AgentHealth       `json:"health"`
	// Latency is the agent's distance to the relays, by the names of their regions.
	Latency          map[string]AgentLatency `json:"latency,omitempty"`
	CreatedAt        time.Time               `json:"created_at"`
	UpdatedAt        time.Time               `json:"updated_at"`
	FirstConnectedAt *time.Time              `json:"first_connected_at,omitempty"`
	LastConnectedAt  *time.Time              `json:"last_connected_at,omitempty"`
	DisconnectedAt   *time.Time              `json:"disconnected_at,omitempty"`
	StartedAt        *time.Time              `json:"started_at,omitempty"`
	ReadyAt          *time.Time              `json:"ready_at,omitempty"`
}

// AgentLatency is how far a relay is. Others reach the agent through the preferred
// one, where there is no direct path.
type AgentLatency struct {
	Preferred bool    `json:"preferred"`
	LatencyMS float64 `json:"latency_ms"`
}

// AgentHealth sums up an agent's state in one sentence.
type AgentHealth struct {
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"`
}

// WorkspaceApp is something that an agent serves or runs for its user.
type WorkspaceApp struct {
	ID            ID          `json:"id"`
	Slug          string      `json:"slug"`
	DisplayName   string      `json:"display_name,omitempty"`
	URL           string      `json:"url,omitempty"`
	Command       string      `json:"command,omitempty"`
	Icon          string      `json:"icon,omitempty"`
	Group         string      `json:"group,omitempty"`
	Tooltip       string      `json:"tooltip,omitempty"`
	OpenIn        string      `json:"open_in"`
	External      bool        `json:"external"`
	Hidden        bool        `json:"hidden"`
	Subdomain     bool        `json:"subdomain"`
	SubdomainName string      `json:"subdomain_name,omitempty"`
	SharingLevel  string      `json:"sharing_level"`
	Healthcheck   Healthcheck `json:"healthcheck"`
	Health        string      `json:"health"`
}

// Healthcheck is how an agent probes an app; Interval is in seconds.
type Healthcheck struct {
	URL       string `json:"url"`
	Interval  int    `json:"interval"`
	Threshold int    `json:"threshold"`
}

// AgentScript is a coder_script, or the startup or shutdown script of an agent.
// Timeout is in seconds; zero means none. ExitCode and Status are set once run.
type AgentScript struct {
	ID               ID     `json:"id"`
	LogSourceID      ID     `json:"log_source_id"`
	LogPath          string `json:"log_path"`
	Script           string `json:"script"`
	Cron             string `json:"cron"`
	RunOnStart       bool   `json:"run_on_start"`
	RunOnStop        bool   `json:"run_on_stop"`
	StartBlocksLogin bool   `json:"start_blocks_login"`
	Timeout          int    `json:"timeout"`
	DisplayName      string `json:"display_name"`
	// Icon is shown with the log source of the script, not with the script.
	Icon     string `json:"icon,omitempty"`
	ExitCode *int   `json:"exit_code,omitempty"`
	Status   string `json:"status,omitempty"`
}

// AgentLogSource names where agent logs come from.
type AgentLogSource struct {
	ID          ID        `json:"id"`
	AgentID     ID        `json:"workspace_agent_id"`
	DisplayName string    `json:"display_name"`
	Icon        string    `json:"icon"`
	CreatedAt   time.Time `json:"created_at"`
}

// AgentLog is one line of a script; IDs grow.
type AgentLog struct {
	ID        int64     `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Output    string    `json:"output"`
	Level     LogLevel  `json:"level"`
	SourceID  ID        `json:"source_id"`
}
