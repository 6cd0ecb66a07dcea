package api

import "time"

// JobStatus is derived from a job's times and error; see coderd/jobs.
type JobStatus string

// Job states.
const (
	JobPending   JobStatus = "pending"
	JobRunning   JobStatus = "running"
	JobSucceeded JobStatus = "succeeded"
	JobCanceling JobStatus = "canceling"
	JobCanceled  JobStatus = "canceled"
	JobFailed    JobStatus = "failed"
)

// Done reports whether a job of this status will not change any more.
func (s JobStatus) Done() bool {
	return s == JobSucceeded || s == JobCanceled || s == JobFailed
}

// JobType says what a provisioner job does.
type JobType string

// Job types.
const (
	JobTemplateVersionImport JobType = "template_version_import"
	JobWorkspaceBuild        JobType = "workspace_build"
	// JobTemplateVersionDryRun plans and changes nothing.
	JobTemplateVersionDryRun JobType = "template_version_dry_run"
)

// ProvisionerJob is one piece of work for a provisioner daemon.
type ProvisionerJob struct {
	ID             ID                `json:"id"`
	OrganizationID ID                `json:"organization_id"`
	InitiatorID    ID                `json:"initiator_id"`
	Type           JobType           `json:"type"`
	Status         JobStatus         `json:"status"`
	Error          string            `json:"error,omitempty"`
	ErrorCode      string            `json:"error_code,omitempty"`
	FileID         ID                `json:"file_id"`
	WorkerID       *ID               `json:"worker_id,omitempty"`
	WorkerName     string            `json:"worker_name,omitempty"`
	Tags           map[string]string `json:"tags"`
	QueuePosition  int               `json:"queue_position"`
	QueueSize      int               `json:"queue_size"`
	// QueueEstimateMillis is when the job will probably start, in milliseconds
	// from now. It is absent when nothing is known, and for jobs that do not wait.
	QueueEstimateMillis *int64 `json:"queue_estimate_ms,omitempty"`
	// QueueNote says in plain words why a job cannot start.
	QueueNote      string              `json:"queue_note,omitempty"`
	Input          ProvisionerJobInput `json:"input"`
	LogsOverflowed bool                `json:"logs_overflowed"`
	// AvailableWorkers are the daemons that could run a waiting job. It and
	// Metadata are filled in by the routes about jobs alone.
	AvailableWorkers []ID                    `json:"available_workers,omitempty"`
	Metadata         *ProvisionerJobMetadata `json:"metadata,omitempty"`
	// Matched is shown by the objects that own jobs.
	Matched     *MatchedProvisioners `json:"-"`
	CreatedAt   time.Time            `json:"created_at"`
	StartedAt   *time.Time           `json:"started_at,omitempty"`
	CompletedAt *time.Time           `json:"completed_at,omitempty"`
	CanceledAt  *time.Time           `json:"canceled_at,omitempty"`
}

// ProvisionerJobInput names the object that a job works for.
type ProvisionerJobInput struct {
	TemplateVersionID *ID    `json:"template_version_id,omitempty"`
	WorkspaceBuildID  *ID    `json:"workspace_build_id,omitempty"`
	Error             string `json:"error,omitempty"`
}

// LogLevel of provisioner and agent logs.
type LogLevel string

// Log levels.
const (
	LogTrace LogLevel = "trace"
	LogDebug LogLevel = "debug"
	LogInfo  LogLevel = "info"
	LogWarn  LogLevel = "warn"
	LogError LogLevel = "error"
)

// ProvisionerJobLog is one line. IDs grow; followers ask for those after the
// last one they have.
type ProvisionerJobLog struct {
	ID        int64     `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Source    string    `json:"log_source"`
	Level     LogLevel  `json:"log_level"`
	Stage     string    `json:"stage"`
	Output    string    `json:"output"`
}

// ProvisionerJobMetadata names what a job works for.
type ProvisionerJobMetadata struct {
	TemplateVersionName      string     `json:"template_version_name"`
	TemplateID               *ID        `json:"template_id,omitempty"`
	TemplateName             string     `json:"template_name"`
	TemplateDisplayName      string     `json:"template_display_name"`
	TemplateIcon             string     `json:"template_icon"`
	WorkspaceID              *ID        `json:"workspace_id,omitempty"`
	WorkspaceName            string     `json:"workspace_name,omitempty"`
	WorkspaceBuildTransition Transition `json:"workspace_build_transition,omitempty"`
}

// MatchedProvisioners says how many daemons may run a waiting job, and how many
// of them are online.
type MatchedProvisioners struct {
	Count            int        `json:"count"`
	Available        int        `json:"available"`
	MostRecentlySeen *time.Time `json:"most_recently_seen,omitempty"`
}
