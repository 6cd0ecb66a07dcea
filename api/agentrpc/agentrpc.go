// Package agentrpc is the contract between an agent and the control plane.
//
// All calls are made by the agent, over HTTP, with its token in the header
// api.SessionTokenHeader. Any replica can answer any of them, and each is safe
// to send again.
//
//	GET   /api/v2/workspaceagents/me/manifest      Manifest        held, see below
//	GET   /api/v2/workspaceagents/me/coordinate    websocket       node exchange (tailrpc) and liveness
//	POST  /api/v2/workspaceagents/me/startup       Startup         once per process
//	POST  /api/v2/workspaceagents/me/lifecycle     Lifecycle       each change, in order
//	PATCH /api/v2/workspaceagents/me/logs          PatchLogs
//	POST  /api/v2/workspaceagents/me/script-result ScriptResult    after each script
//	POST  /api/v2/workspaceagents/me/metadata      Metadata        changed values only
//	POST  /api/v2/workspaceagents/me/app-health    AppHealth
//	POST  /api/v2/workspaceagents/me/monitors      Monitors        changed states only
//	POST  /api/v2/workspaceagents/me/connections   Connection      each beginning and end, in order
//	POST  /api/v2/workspaceagents/me/usage         Usage           every 30 s while in use
//
// Held: an agent often starts while the build that made it still runs. Its first
// request, with a token that a running build has announced, is not refused but
// waits until the build is done, HoldTime at most; then 503 (CodeUnavailable)
// asks for another try. A token that nobody knows gets 401 (CodeUnauthenticated)
// and the agent tries again with back-off, saying why.
//
// Liveness: the agent is connected while its coordinate websocket is open; the
// server pings it every PingInterval and gives it up after two missed answers.
package agentrpc

import (
	"time"

	"coder.internal/api"
)

// HoldTime bounds how long the manifest request of an early agent is held.
const HoldTime = 30 * time.Second

// PingInterval is the server's ping of an agent's coordinate websocket.
const PingInterval = 10 * time.Second

// Limits of what agents may send. Logs over the limit are cut with a mark. A line
// counts as MinLogCost bytes at least, so that empty ones are limited too.
const (
	MaxLogBytes      = 1 << 20 // per agent, as in the reference
	MinLogCost       = 16
	MaxLogLine       = 64 << 10
	MaxMetadataValue = 2 << 10
)

// Paths of the calls.
const (
	PathManifest     = "/api/v2/workspaceagents/me/manifest"
	PathCoordinate   = "/api/v2/workspaceagents/me/coordinate"
	PathStartup      = "/api/v2/workspaceagents/me/startup"
	PathLifecycle    = "/api/v2/workspaceagents/me/lifecycle"
	PathLogs         = "/api/v2/workspaceagents/me/logs"
	PathScriptResult = "/api/v2/workspaceagents/me/script-result"
	PathMetadata     = "/api/v2/workspaceagents/me/metadata"
	PathAppHealth    = "/api/v2/workspaceagents/me/app-health"
)

// Manifest is all an agent needs to know. It does not change while the build
// lasts; the relay map is pushed over the coordinate websocket.
type Manifest struct {
	AgentID               api.ID             `json:"agent_id"`
	AgentName             string             `json:"agent_name"`
	WorkspaceID           api.ID             `json:"workspace_id"`
	WorkspaceName         string             `json:"workspace_name"`
	OwnerName             string             `json:"owner_name"`
	AccessURL             string             `json:"access_url"`
	Directory             string             `json:"directory"`
	MOTDFile              string             `json:"motd_file"`
	Env                   map[string]string  `json:"env"`
	StartupScriptBehavior string             `json:"startup_script_behavior"`
	VSCodeProxyURI        string             `json:"vscode_proxy_uri"`
	Scripts               []api.AgentScript  `json:"scripts"`
	Apps                  []api.WorkspaceApp `json:"apps"`
	Metadata              []MetadataItem     `json:"metadata"`
	Devcontainers         []Devcontainer     `json:"devcontainers"`
	Monitors              ResourceMonitors   `json:"monitors"`
	BlockDirect           bool               `json:"block_direct"`
}

// Devcontainer is a dev container that the agent starts. SubagentID names the
// agent inside of it, zero where the template names none.
type Devcontainer struct {
	ID              api.ID `json:"id"`
	Name            string `json:"name"`
	WorkspaceFolder string `json:"workspace_folder"`
	ConfigPath      string `json:"config_path,omitempty"`
	SubagentID      api.ID `json:"subagent_id,omitzero"`
}

// ResourceMonitors says which resources of its machine an agent watches.
type ResourceMonitors struct {
	Memory  *Monitor  `json:"memory,omitempty"`
	Volumes []Monitor `json:"volumes,omitempty"`
}

// Monitor watches the memory, or the volume at Path. Threshold is in percent.
type Monitor struct {
	Path      string `json:"path,omitempty"`
	Enabled   bool   `json:"enabled"`
	Threshold int    `json:"threshold"`
}

// MetadataItem is something the agent measures again and again, in seconds.
type MetadataItem struct {
	Key      string `json:"key"`
	Script   string `json:"script"`
	Interval int64  `json:"interval"`
	Timeout  int64  `json:"timeout"`
}

// Startup introduces the agent's process.
type Startup struct {
	Version           string   `json:"version"`
	ExpandedDirectory string   `json:"expanded_directory"`
	Subsystems        []string `json:"subsystems,omitempty" maxItems:"16"`
}

// Lifecycle is one change of the lifecycle state. ChangedAt is the agent's clock
// and for display only.
type Lifecycle struct {
	State     api.AgentLifecycle `json:"state"`
	ChangedAt time.Time          `json:"changed_at"`
}

// PatchLogs appends lines of one source.
type PatchLogs struct {
	LogSourceID api.ID `json:"log_source_id"`
	Logs        []Log  `json:"logs" maxItems:"10000"`
}

// Log is one line.
type Log struct {
	CreatedAt time.Time    `json:"created_at"`
	Level     api.LogLevel `json:"level"`
	Output    string       `json:"output"`
}

// ScriptResult reports one run of a script.
type ScriptResult struct {
	ScriptID  api.ID    `json:"script_id"`
	Stage     string    `json:"stage"`  // start, stop, cron
	Status    string    `json:"status"` // ok, exit_failure, timed_out, pipes_left_open
	ExitCode  int       `json:"exit_code"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
}

// Metadata carries the values that changed.
type Metadata struct {
	Values []MetadataValue `json:"values" maxItems:"128"`
}

// MetadataValue is one measured value, or why there is none.
type MetadataValue struct {
	Key         string    `json:"key"`
	Value       string    `json:"value"`
	Error       string    `json:"error,omitempty"`
	CollectedAt time.Time `json:"collected_at"`
}

// AppHealth carries the apps whose health changed: initializing, healthy or
// unhealthy by app id.
type AppHealth struct {
	Healths map[string]string `json:"healths" maxProperties:"256"`
}
