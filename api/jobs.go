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
	ID             ID                  `json:"id"`
	OrganizationID ID                  `json:"organization_id"`
	InitiatorID    ID                  `json:"initiator_id"`
	Type           JobType             `json:"type"`
	Status         JobStatus           `json:"status"`
	Error          string              `json:"error,omitempty"`
	ErrorCode      string              `json:"error_code,omitempty"`
	FileID         ID                  `json:"file_id"`
	WorkerID       *ID                 `json:"worker_id,omitempty"`
	WorkerName     string              `json:"worker_name,omitempty"`
	Tags           map[string]string   `json:"tags"`
	QueuePosition  int                 `json:"queue_position"`
	QueueSize      int                 `json:"queue_size"`
	Input          ProvisionerJobInput `json:"input"`
	LogsOverflowed bool                `json:"logs_overflowed"`
	CreatedAt      time.Time           `json:"created_at"`
	StartedAt      *time.Time          `json:"started_at,omitempty"`
	CompletedAt    *time.Time          `json:"completed_at,omitempty"`
	CanceledAt     *time.Time          `json:"canceled_at,omitempty"`
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

// ProvisionerDaemon is a process, or part of one, that works on jobs.
type ProvisionerDaemon struct {
	ID             ID                `json:"id"`
	OrganizationID ID                `json:"organization_id"`
	Name           string            `json:"name"`
	Version        string            `json:"version"`
	APIVersion     string            `json:"api_version"`
	Provisioners   []string          `json:"provisioners"`
	Tags           map[string]string `json:"tags"`
	Status         string            `json:"status"`
	CreatedAt      time.Time         `json:"created_at"`
	LastSeenAt     *time.Time        `json:"last_seen_at,omitempty"`
}
