// Package jobrpc is the contract between a provisioner daemon and the job queue.
//
// Order of calls for one job:
//
//	Acquire → Update* → Complete | Fail
//	            └ carries log lines, state snapshots and the heartbeat
//
// Archive and Modules may be read at any time between; an import may bring its
// modules once before it completes.
//
// Acquire blocks until a job is there or its Wait is over; every other call is
// unary, answers at once, and is safe to send again. An attempt belongs to the
// daemon that acquired it for as long as its lease lasts; Update renews the
// lease. A call for an attempt that is over fails with CodeConflict ("attempt is
// over"): the daemon stops at once and drops the job. What such a call brings is
// kept aside by the queue, never applied.
//
// Cancel: the answer to Update says Cancel (stop gracefully, save state, then
// Fail with Canceled) or ForceCancel (kill now, then the same).
//
// The package holds plain structs; the in-process queue and the remote client
// both implement provisionerd.JobSource with them.
package jobrpc

import (
	"time"

	"coder.internal/api"
)

// LeaseDuration is how long an attempt lives without an Update; daemons send one
// at least every HeartbeatInterval, also with nothing to say.
const (
	LeaseDuration     = 30 * time.Second
	HeartbeatInterval = 5 * time.Second
)

// Limits of what one job may bring. More is cut (logs) or refused (the rest).
const (
	MaxLogBytes     = 1 << 20  // per job, as in the reference
	MaxLogLine      = 64 << 10 // per line
	MaxStateBytes   = 64 << 20
	MaxArchiveBytes = 100 << 20 // expanded
	MaxArchiveFiles = 10_000
	MaxModulesBytes = 10 << 20 // compressed; expanded as an archive
	MaxResources    = 5_000
)

// AcquireRequest asks for work. Tags are what the daemon offers. A request that
// is sent again with the RequestID that it had, because its answer was lost, gets
// the attempt that it was given; zero means that it is never sent again.
type AcquireRequest struct {
	RequestID      api.ID            `json:"request_id,omitzero"`
	DaemonID       api.ID            `json:"daemon_id"`
	DaemonName     string            `json:"daemon_name"`
	OrganizationID api.ID            `json:"organization_id"`
	Tags           map[string]string `json:"tags"`
	Wait           time.Duration     `json:"wait"`
}

// Job is one attempt at a job. Exactly one of Import, Build and Plan is set.
type Job struct {
	ID             api.ID `json:"id"`
	Attempt        int    `json:"attempt"`
	OrganizationID api.ID `json:"organization_id"`
	FileID         api.ID `json:"file_id"`
	ArchiveHash    string `json:"archive_hash"` // hex SHA-256 of the archive; names the initialised directory
	ArchiveType    string `json:"archive_type"` // api.ContentTypeTar or api.ContentTypeZip
	// ModulesHash is the hex SHA-256 of the modules that the import of the version
	// brought, see ModulesRequest; empty when it brought none.
	ModulesHash string      `json:"modules_hash,omitempty"`
	Import      *ImportWork `json:"import,omitempty"`
	Build       *BuildWork  `json:"build,omitempty"`
	Plan        *PlanWork   `json:"plan,omitempty"`
}

// ImportWork turns an archive into a template version.
type ImportWork struct {
	TemplateVersionID api.ID              `json:"template_version_id"`
	Variables         []api.VariableValue `json:"variables"`
	Meta              Meta                `json:"meta"`
	// Providers are the ids for coder_external_auth that the deployment has; nil
	// where nobody knows, as without one. Any other that is not optional is refused.
	Providers []string `json:"external_auth_providers"`
}

// BuildWork runs one transition of one workspace. State is the last saved state,
// empty for the first build. With Guard the daemon plans first and applies that
// plan only if it leaves the guarded resources alone.
type BuildWork struct {
	BuildID            api.ID               `json:"build_id"`
	State              []byte               `json:"state"`
	Variables          []api.VariableValue  `json:"variables"`
	Parameters         []api.ParameterValue `json:"parameters"`
	PreviousParameters []api.ParameterValue `json:"previous_parameters"`
	Debug              bool                 `json:"debug"`
	Guard              *Guard               `json:"guard,omitempty"`
	// Quota makes the daemon plan first too, and ask with a QuotaRequest.
	Quota bool `json:"quota,omitempty"`
	Meta  Meta `json:"meta"`
}

// Guard names the resources that a build must not destroy or replace: those that
// a stop of the workspace keeps. Addresses are Terraform's, with or without the
// instance key; one without a key means all instances.
type Guard struct {
	Persistent []string `json:"persistent"`
}

// CodePersistentResources is the code of a build that was ended before it changed
// anything, because it would have destroyed what its Guard names.
const CodePersistentResources = "PERSISTENT_RESOURCES_DESTROYED"

// PlanWork finds out what a build would do and changes nothing. State is that of
// the workspace, empty for a workspace that does not exist yet. Persistent is as
// in Guard; it marks changes and ends nothing.
type PlanWork struct {
	TemplateVersionID  api.ID               `json:"template_version_id"`
	State              []byte               `json:"state"`
	Variables          []api.VariableValue  `json:"variables"`
	Parameters         []api.ParameterValue `json:"parameters"`
	PreviousParameters []api.ParameterValue `json:"previous_parameters"`
	Persistent         []string             `json:"persistent"`
	Meta               Meta                 `json:"meta"`
}

// Meta is what the template may know about the workspace, its owner and the
// deployment. For an import it holds made-up but valid values.
type Meta struct {
	AccessURL       string         `json:"access_url"`
	Transition      api.Transition `json:"transition"`
	WorkspaceID     api.ID         `json:"workspace_id"`
	WorkspaceName   string         `json:"workspace_name"`
	TemplateID      api.ID         `json:"template_id"`
	TemplateName    string         `json:"template_name"`
	TemplateVersion string         `json:"template_version"`
	OwnerID         api.ID         `json:"owner_id"`
	OwnerName       string         `json:"owner_name"` // username
	OwnerFullName   string         `json:"owner_full_name"`
	OwnerEmail      string         `json:"owner_email"`
	OwnerGroups     []string       `json:"owner_groups"`
	OwnerRoles      []OwnerRole    `json:"owner_roles"`
	OwnerLoginType  api.LoginType  `json:"owner_login_type"`
	OwnerSSHPublic  string         `json:"owner_ssh_public_key"`
	OwnerSSHPrivate api.Secret     `json:"owner_ssh_private_key"`
	OwnerSession    api.Secret     `json:"owner_session_token"`
	// ExternalAuth are the providers that the template asks for, with the owner's
	// tokens where there are some.
	ExternalAuth []ExternalAuthToken `json:"external_auth,omitempty"`
}

// ExternalAuthToken is a token of the owner for a coder_external_auth.
type ExternalAuthToken struct {
	ExternalAuth
	AccessToken api.Secret `json:"access_token"`
}

// OwnerRole is one role of the owner, for coder_workspace_owner.rbac_roles.
type OwnerRole struct {
	Name           string `json:"name"`
	OrganizationID string `json:"org_id"`
}

// Log is one line of a job. Stage is a phase a person understands: "Parsing
// template", "Initializing", "Planning", "Applying", "Cleaning up".
type Log struct {
	CreatedAt time.Time    `json:"created_at"`
	Source    string       `json:"source"` // "provisioner_daemon" or "provisioner"
	Level     api.LogLevel `json:"level"`
	Stage     string       `json:"stage"`
	Output    string       `json:"output"`
}

// UpdateRequest is the heartbeat of an attempt and what is new since the last.
// State, when not nil, is a snapshot of terraform.tfstate taken while apply
// runs; StateSerial grows with each. AgentTokens are the coder_agent tokens in
// it, so that agents that call before the job ends can be made to wait instead
// of being refused. LogOffset counts the lines sent before these: a repeated
// request does not repeat lines.
type UpdateRequest struct {
	JobID       api.ID       `json:"job_id"`
	Attempt     int          `json:"attempt"`
	LogOffset   int          `json:"log_offset"`
	Logs        []Log        `json:"logs,omitempty"`
	State       []byte       `json:"state,omitempty"`
	StateSerial int64        `json:"state_serial,omitempty"`
	AgentTokens []api.Secret `json:"agent_tokens,omitempty"`
}

// ModulesRequest brings, before an import completes, the modules that terraform init
// fetched for the template: what lies in .terraform/modules, as a compressed tar.
// The queue gives them to those who build this version without having them.
type ModulesRequest struct {
	JobID   api.ID `json:"job_id"`
	Attempt int    `json:"attempt"`
	Data    []byte `json:"data"` // at most MaxModulesBytes
}

// UpdateResponse tells the daemon whether someone wants the job to end.
type UpdateResponse struct {
	Cancel      bool `json:"cancel"`
	ForceCancel bool `json:"force_cancel"`
}

// CompleteRequest ends an attempt with success.
type CompleteRequest struct {
	JobID   api.ID        `json:"job_id"`
	Attempt int           `json:"attempt"`
	Import  *ImportResult `json:"import,omitempty"`
	Build   *BuildResult  `json:"build,omitempty"`
	Plan    *PlanResult   `json:"plan,omitempty"`
}

// FailRequest ends an attempt without success. State is the last state there
// is, nil if none was made; it is saved all the same. Retry says that the cause
// was the daemon (it is stopping, it crashed and found the job again), so that
// the queue hands the job out again while attempts are left.
type FailRequest struct {
	JobID    api.ID `json:"job_id"`
	Attempt  int    `json:"attempt"`
	Error    string `json:"error"`
	Code     string `json:"code,omitempty"` // for example "REQUIRED_TEMPLATE_VARIABLES"
	Canceled bool   `json:"canceled,omitempty"`
	Retry    bool   `json:"retry,omitempty"`
	State    []byte `json:"state,omitempty"`
}

// ImportResult is what an import found.
type ImportResult struct {
	Readme     string                         `json:"readme"`
	Variables  []api.TemplateVersionVariable  `json:"variables"`
	Parameters []api.TemplateVersionParameter `json:"parameters"`
	Start      []Resource                     `json:"start_resources"`
	Stop       []Resource                     `json:"stop_resources"`
	Presets    []Preset                       `json:"presets"`
	// ExternalAuth are the providers that the template asks for.
	ExternalAuth []ExternalAuth `json:"external_auth"`
	// HasExternalAgent says that people start an agent of the template themselves.
	HasExternalAgent bool           `json:"has_external_agent"`
	WorkspaceTags    []WorkspaceTag `json:"workspace_tags"`
	// UsesOwnerSession and UsesOwnerSSHKey say that the template reads the session
	// token or the SSH key of coder_workspace_owner. Without them a build gets none.
	UsesOwnerSession bool `json:"uses_owner_session"`
	UsesOwnerSSHKey  bool `json:"uses_owner_ssh_key"`
}

// WorkspaceTag is one tag of a coder_workspace_tags: which daemons may build
// workspaces. Value is the one that the parameters' defaults give. Parameter, when
// not empty, names the parameter whose value the tag is.
type WorkspaceTag struct {
	Key       string `json:"key"`
	Value     string `json:"value"`
	Parameter string `json:"parameter,omitempty"`
}

// Preset is a coder_workspace_preset.
type Preset struct {
	Name        string               `json:"name"`
	Description string               `json:"description"`
	Icon        string               `json:"icon"`
	Default     bool                 `json:"default"`
	Parameters  []api.ParameterValue `json:"parameters"`
	// Instances is how many workspaces are to stand ready, nil where nothing says so.
	Instances *int `json:"instances,omitempty"`
}

// ExternalAuth is a coder_external_auth data source.
type ExternalAuth struct {
	ID       string `json:"id"`
	Optional bool   `json:"optional"`
}

// PlanResult is what a plan found.
type PlanResult struct {
	Resources []Resource           `json:"resources"` // that will exist
	Changes   []api.ResourceChange `json:"changes"`
}

// BuildResult is what a build made. State is nil after a delete.
type BuildResult struct {
	State     []byte     `json:"state"`
	Resources []Resource `json:"resources"`
	Timings   []Timing   `json:"timings"`
	// HasExternalAgent is as in ImportResult.
	HasExternalAgent bool `json:"has_external_agent"`
}

// Timing is one measured step of a job.
type Timing struct {
	Stage     string    `json:"stage"`  // init, plan, apply
	Source    string    `json:"source"` // terraform, coder, docker …
	Action    string    `json:"action"`
	Resource  string    `json:"resource"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
}

// Resource is a managed resource that is not part of the coder provider's own
// book-keeping, with the agents that run on it.
type Resource struct {
	Type      string                          `json:"type"`
	Name      string                          `json:"name"`
	Address   string                          `json:"address"`
	Hide      bool                            `json:"hide"`
	Icon      string                          `json:"icon"`
	DailyCost int                             `json:"daily_cost"`
	Metadata  []api.WorkspaceResourceMetadata `json:"metadata"`
	Agents    []Agent                         `json:"agents"`
}

// Agent is a coder_agent. In an import plan ID and Token are empty.
type Agent struct {
	ID                       string             `json:"id"`
	Name                     string             `json:"name"`
	Token                    api.Secret         `json:"token"`
	Auth                     string             `json:"auth"`
	InstanceID               string             `json:"instance_id"`
	OperatingSystem          string             `json:"os"`
	Architecture             string             `json:"arch"`
	Directory                string             `json:"dir"`
	MOTDFile                 string             `json:"motd_file"`
	Env                      map[string]string  `json:"env"`
	ConnectionTimeoutSeconds int                `json:"connection_timeout"`
	TroubleshootingURL       string             `json:"troubleshooting_url"`
	StartupScriptBehavior    string             `json:"startup_script_behavior"`
	APIKeyScope              string             `json:"api_key_scope"`
	Order                    int64              `json:"order"`
	DisplayApps              []string           `json:"display_apps"`
	Metadata                 []AgentMetadata    `json:"metadata"`
	Apps                     []api.WorkspaceApp `json:"apps"`    // ID zero; the server makes it
	Scripts                  []api.AgentScript  `json:"scripts"` // startup and shutdown script included
	Devcontainers            []Devcontainer     `json:"devcontainers"`
	// Monitors says which resources of the machine are watched; nil for none.
	Monitors *ResourceMonitors `json:"monitors,omitempty"`
}

// Devcontainer is a coder_devcontainer.
type Devcontainer struct {
	Name            string `json:"name"`
	WorkspaceFolder string `json:"workspace_folder"`
	ConfigPath      string `json:"config_path"`
	SubagentID      string `json:"subagent_id"`
}

// ResourceMonitors is the resources_monitoring block; thresholds in percent.
type ResourceMonitors struct {
	Memory  *Monitor  `json:"memory,omitempty"`
	Volumes []Monitor `json:"volumes,omitempty"`
}

// Monitor watches the memory, or the volume at Path.
type Monitor struct {
	Path      string `json:"path,omitempty"`
	Enabled   bool   `json:"enabled"`
	Threshold int    `json:"threshold"`
}

// AgentMetadata is a metadata block of a coder_agent; times in seconds.
type AgentMetadata struct {
	Key         string `json:"key"`
	DisplayName string `json:"display_name"`
	Script      string `json:"script"`
	Interval    int64  `json:"interval"`
	Timeout     int64  `json:"timeout"`
	Order       int64  `json:"order"`
}
