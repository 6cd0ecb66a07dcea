package api

import "time"

// Transition is what a build does to a workspace.
type Transition string

// Transitions.
const (
	TransitionStart  Transition = "start"
	TransitionStop   Transition = "stop"
	TransitionDelete Transition = "delete"
)

// WorkspaceStatus is derived from the latest build's transition and job.
type WorkspaceStatus string

// Workspace states.
const (
	WorkspacePending   WorkspaceStatus = "pending"
	WorkspaceStarting  WorkspaceStatus = "starting"
	WorkspaceRunning   WorkspaceStatus = "running"
	WorkspaceStopping  WorkspaceStatus = "stopping"
	WorkspaceStopped   WorkspaceStatus = "stopped"
	WorkspaceFailed    WorkspaceStatus = "failed"
	WorkspaceCanceling WorkspaceStatus = "canceling"
	WorkspaceCanceled  WorkspaceStatus = "canceled"
	WorkspaceDeleting  WorkspaceStatus = "deleting"
	WorkspaceDeleted   WorkspaceStatus = "deleted"
)

// StatusOf derives the state of a workspace from its latest build.
func StatusOf(t Transition, job JobStatus) WorkspaceStatus {
	switch job {
	case JobPending:
		return WorkspacePending
	case JobRunning:
		return map[Transition]WorkspaceStatus{TransitionStart: WorkspaceStarting,
			TransitionStop: WorkspaceStopping, TransitionDelete: WorkspaceDeleting}[t]
	case JobSucceeded:
		return map[Transition]WorkspaceStatus{TransitionStart: WorkspaceRunning,
			TransitionStop: WorkspaceStopped, TransitionDelete: WorkspaceDeleted}[t]
	case JobCanceling:
		return WorkspaceCanceling
	case JobCanceled:
		return WorkspaceCanceled
	}
	return WorkspaceFailed
}

// Workspace is a person's development environment.
type Workspace struct {
	ID                        ID              `json:"id"`
	Name                      string          `json:"name"`
	OwnerID                   ID              `json:"owner_id"`
	OwnerName                 string          `json:"owner_name"`
	OwnerAvatarURL            string          `json:"owner_avatar_url"`
	OrganizationID            ID              `json:"organization_id"`
	OrganizationName          string          `json:"organization_name"`
	TemplateID                ID              `json:"template_id"`
	TemplateName              string          `json:"template_name"`
	TemplateDisplayName       string          `json:"template_display_name"`
	TemplateIcon              string          `json:"template_icon"`
	TemplateActiveVersionID   ID              `json:"template_active_version_id"`
	TemplateAllowUserCancel   bool            `json:"template_allow_user_cancel_workspace_jobs"`
	TemplateRequireActive     bool            `json:"template_require_active_version"`
	TemplateClassicParameters bool            `json:"template_use_classic_parameter_flow"`
	LatestBuild               WorkspaceBuild  `json:"latest_build"`
	Outdated                  bool            `json:"outdated"`
	AutostartSchedule         *string         `json:"autostart_schedule,omitempty"`
	TTLMillis                 *int64          `json:"ttl_ms,omitempty"`
	AutomaticUpdates          string          `json:"automatic_updates"`
	AllowRenames              bool            `json:"allow_renames"`
	Favorite                  bool            `json:"favorite"`
	Health                    WorkspaceHealth `json:"health"`
	LastUsedAt                time.Time       `json:"last_used_at"`
	CreatedAt                 time.Time       `json:"created_at"`
	UpdatedAt                 time.Time       `json:"updated_at"`
}

// WorkspaceHealth sums up the agents.
type WorkspaceHealth struct {
	Healthy       bool `json:"healthy"`
	FailingAgents []ID `json:"failing_agents"`
}

// WorkspacesResponse is one page and how many match in all.
type WorkspacesResponse struct {
	Workspaces []Workspace `json:"workspaces"`
	Count      int         `json:"count"`
}

// WorkspacesEvent is one message of the stream of a list of workspaces.
type WorkspacesEvent struct {
	Type string            `json:"type"`           // "ping", "data" or "error"
	Data *WorkspacesChange `json:"data,omitempty"` // of "data" only
}

// WorkspacesChange is what a data event of the stream of a list says.
type WorkspacesChange struct {
	Count      int         `json:"count"`      // of all that match
	IDs        []ID        `json:"ids"`        // the rows of the list, in its order
	Workspaces []Workspace `json:"workspaces"` // those of them that are new or have changed
}

// CreateWorkspaceRequest makes a workspace and its first build. Exactly one of
// TemplateID (active version) and TemplateVersionID is set.
type CreateWorkspaceRequest struct {
	Name              string           `json:"name" maxLength:"32"`
	TemplateID        ID               `json:"template_id,omitzero"`
	TemplateVersionID ID               `json:"template_version_id,omitzero"`
	AutostartSchedule *string          `json:"autostart_schedule,omitempty"`
	TTLMillis         *int64           `json:"ttl_ms,omitempty"`
	AutomaticUpdates  string           `json:"automatic_updates,omitempty" enum:",always,never"`
	ParameterValues   []ParameterValue `json:"rich_parameter_values,omitempty" maxItems:"1000"`
	// PresetID gives the parameters that are not named the values of a preset.
	PresetID ID `json:"template_version_preset_id,omitzero"`
}

// UpdateWorkspaceRequest renames a workspace.
type UpdateWorkspaceRequest struct {
	Name string `json:"name,omitempty" maxLength:"32"`
}

// ParameterValue is the value that a build gives to a coder_parameter.
type ParameterValue struct {
	Name  string `json:"name" maxLength:"256"`
	Value string `json:"value" maxLength:"1048576"`
}

// CreateWorkspaceBuildRequest starts a build of an existing workspace. Without
// TemplateVersionID the last build's version is used. Parameters that are not
// named keep the last build's values. Orphan, with delete, drops the record
// without asking Terraform to destroy anything.
type CreateWorkspaceBuildRequest struct {
	Transition        Transition       `json:"transition" enum:"start,stop,delete"`
	TemplateVersionID ID               `json:"template_version_id,omitzero"`
	Orphan            bool             `json:"orphan,omitempty"`
	Reason            string           `json:"reason,omitempty"`
	LogLevel          string           `json:"log_level,omitempty" enum:",debug"`
	ParameterValues   []ParameterValue `json:"rich_parameter_values,omitempty" maxItems:"1000"`
	// PresetID is as in CreateWorkspaceRequest.
	PresetID ID `json:"template_version_preset_id,omitzero"`
	// AllowDestroyPersistent confirms that a start may destroy or replace resources
	// that a stop keeps. Without it such a build fails before it changes anything.
	AllowDestroyPersistent bool `json:"allow_destroy_persistent,omitempty"`
	// State is the Terraform state that the build starts from, instead of the
	// newest one; for those who may edit the template. ForceState takes one of
	// another lineage, or an older one.
	State      []byte `json:"state,omitempty"`
	ForceState bool   `json:"force_state,omitempty"`
}

// ResourceChange is one line of a plan.
type ResourceChange struct {
	Address string         `json:"address"`
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Action  ResourceAction `json:"action"`
	// Persistent says that a stop of the workspace keeps the resource.
	Persistent bool `json:"persistent"`
	// Reasons are the attributes that force a replacement.
	Reasons []string `json:"reasons,omitempty"`
}

// ResourceAction is what a plan does with a resource.
type ResourceAction string

// Resource actions.
const (
	ResourceCreate  ResourceAction = "create"
	ResourceUpdate  ResourceAction = "update"
	ResourceReplace ResourceAction = "replace"
	ResourceDelete  ResourceAction = "delete"
	ResourceKeep    ResourceAction = "keep"
)

// PlanWorkspaceRequest asks what a build would do. The fields mean what they mean
// in CreateWorkspaceBuildRequest.
type PlanWorkspaceRequest struct {
	Transition        Transition       `json:"transition" enum:"start,stop,delete"`
	TemplateVersionID ID               `json:"template_version_id,omitzero"`
	ParameterValues   []ParameterValue `json:"rich_parameter_values,omitempty" maxItems:"1000"`
	PresetID          ID               `json:"template_version_preset_id,omitzero"`
}

// WorkspacePlan is the answer; Changes and Resources are there once Job succeeded.
type WorkspacePlan struct {
	Job       ProvisionerJob      `json:"job"`
	Changes   []ResourceChange    `json:"changes"`
	Resources []WorkspaceResource `json:"resources"`
}

// WorkspaceBuild is one run of the template for one workspace.
type WorkspaceBuild struct {
	ID                      ID                  `json:"id"`
	WorkspaceID             ID                  `json:"workspace_id"`
	WorkspaceName           string              `json:"workspace_name"`
	WorkspaceOwnerID        ID                  `json:"workspace_owner_id"`
	WorkspaceOwnerName      string              `json:"workspace_owner_name"`
	WorkspaceOwnerAvatarURL string              `json:"workspace_owner_avatar_url"`
	TemplateVersionID       ID                  `json:"template_version_id"`
	TemplateVersionName     string              `json:"template_version_name"`
	BuildNumber             int                 `json:"build_number"`
	Transition              Transition          `json:"transition"`
	Reason                  string              `json:"reason"`
	InitiatorID             ID                  `json:"initiator_id"`
	InitiatorName           string              `json:"initiator_name"`
	Job                     ProvisionerJob      `json:"job"`
	Status                  WorkspaceStatus     `json:"status"`
	Resources               []WorkspaceResource `json:"resources"`
	DailyCost               int                 `json:"daily_cost"`
	// PresetID is the preset that the build was given, if any.
	PresetID         *ID  `json:"template_version_preset_id"`
	HasExternalAgent bool `json:"has_external_agent"`
	// MatchedProvisioners is there while the job waits.
	MatchedProvisioners *MatchedProvisioners `json:"matched_provisioners,omitempty"`
	Deadline            *time.Time           `json:"deadline,omitempty"`
	MaxDeadline         *time.Time           `json:"max_deadline,omitempty"`
	CreatedAt           time.Time            `json:"created_at"`
	UpdatedAt           time.Time            `json:"updated_at"`
}

// WorkspaceResource is something that Terraform made for a build.
type WorkspaceResource struct {
	ID         ID                          `json:"id"`
	JobID      ID                          `json:"job_id"`
	Transition Transition                  `json:"workspace_transition"`
	Type       string                      `json:"type"`
	Name       string                      `json:"name"`
	Hide       bool                        `json:"hide"`
	Icon       string                      `json:"icon"`
	DailyCost  int                         `json:"daily_cost"`
	Agents     []WorkspaceAgent            `json:"agents"`
	Metadata   []WorkspaceResourceMetadata `json:"metadata"`
	CreatedAt  time.Time                   `json:"created_at"`
	// Address is Terraform's name of the resource.
	Address string `json:"address"`
	// Persistent says that a stop of the workspace keeps the resource.
	Persistent bool `json:"persistent"`
}

// WorkspaceResourceMetadata is one line of coder_metadata. A sensitive value is
// empty in responses.
type WorkspaceResourceMetadata struct {
	Key       string `json:"key"`
	Value     string `json:"value"`
	Sensitive bool   `json:"sensitive"`
}

// WatchEvent is one message of the workspace watch stream.
type WatchEvent struct {
	Type string `json:"type"` // "ping", "data" or "error"
	Data any    `json:"data"`
}

// WorkspaceBuildTimings says where the time of a build went.
type WorkspaceBuildTimings struct {
	ProvisionerTimings     []ProvisionerTiming     `json:"provisioner_timings"`
	AgentScriptTimings     []AgentScriptTiming     `json:"agent_script_timings"`
	AgentConnectionTimings []AgentConnectionTiming `json:"agent_connection_timings"`
}

// ProvisionerTiming is one measured step of the job.
type ProvisionerTiming struct {
	JobID     ID        `json:"job_id"`
	Stage     string    `json:"stage"`
	Source    string    `json:"source"`
	Action    string    `json:"action"`
	Resource  string    `json:"resource"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
}

// AgentScriptTiming is the last run of one script.
type AgentScriptTiming struct {
	AgentID     ID        `json:"workspace_agent_id"`
	AgentName   string    `json:"workspace_agent_name"`
	DisplayName string    `json:"display_name"`
	Stage       string    `json:"stage"`
	Status      string    `json:"status"`
	ExitCode    int       `json:"exit_code"`
	StartedAt   time.Time `json:"started_at"`
	EndedAt     time.Time `json:"ended_at"`
}

// AgentConnectionTiming is how long an agent took to connect.
type AgentConnectionTiming struct {
	AgentID   ID        `json:"workspace_agent_id"`
	AgentName string    `json:"workspace_agent_name"`
	Stage     string    `json:"stage"` // "connect"
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
}

// UpdateWorkspaceBuildStateRequest replaces the Terraform state of a build.
// ForceState is as in CreateWorkspaceBuildRequest.
type UpdateWorkspaceBuildStateRequest struct {
	State      []byte `json:"state"`
	ForceState bool   `json:"force_state,omitempty"`
}

// WorkspaceStateResource is a managed resource in a Terraform state. ResourceID
// is what its provider knows it by.
type WorkspaceStateResource struct {
	Address    string `json:"address"`
	Type       string `json:"type"`
	Name       string `json:"name"`
	Provider   string `json:"provider"`
	ResourceID string `json:"resource_id"`
}

// WorkspaceBuildStray is what an attempt at a build brought after it was over.
// It is kept for people and never applied. HasState says that a state can be
// fetched; Serial, Lineage and Resources are those of it.
type WorkspaceBuildStray struct {
	ID        ID                       `json:"id"`
	Attempt   int                      `json:"attempt"`
	Kind      string                   `json:"kind"` // update, complete or fail
	CreatedAt time.Time                `json:"created_at"`
	Error     string                   `json:"error"`
	HasState  bool                     `json:"has_state"`
	Serial    int64                    `json:"serial"`
	Lineage   string                   `json:"lineage"`
	Resources []WorkspaceStateResource `json:"resources"`
}

// ExternalAgentCredentials are what a person needs to start an agent that no
// resource of the template starts: its token and a command for the machine.
type ExternalAgentCredentials struct {
	AgentToken Secret `json:"agent_token"`
	Command    Secret `json:"command"`
}
