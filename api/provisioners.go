package api

import "time"

// Headers with the credentials of external provisioner daemons.
const (
	ProvisionerKeyHeader = "Coder-Provisioner-Daemon-Key"
	ProvisionerPSKHeader = "Coder-Provisioner-Daemon-PSK"
)

// Names that stand for credentials which are no keys.
const (
	ProvisionerKeyBuiltIn  = "built-in"
	ProvisionerKeyPSK      = "psk"
	ProvisionerKeyUserAuth = "user-auth"
)

// Tags that every job and every daemon carries.
const (
	TagScope          = "scope"
	TagOwner          = "owner"
	ScopeOrganization = "organization"
	ScopeUser         = "user"
)

// ProvisionerDaemonStatus is what a daemon does now.
type ProvisionerDaemonStatus string

// Daemon states.
const (
	DaemonOffline ProvisionerDaemonStatus = "offline"
	DaemonIdle    ProvisionerDaemonStatus = "idle"
	DaemonBusy    ProvisionerDaemonStatus = "busy"
)

// ProvisionerDaemon is a process, or part of one, that works on jobs. KeyName is
// the name of its key, or one of the ProvisionerKey names.
type ProvisionerDaemon struct {
	ID             ID                      `json:"id"`
	OrganizationID ID                      `json:"organization_id"`
	KeyID          *ID                     `json:"key_id,omitempty"`
	KeyName        string                  `json:"key_name"`
	Name           string                  `json:"name"`
	Version        string                  `json:"version"`
	APIVersion     string                  `json:"api_version"`
	Provisioners   []string                `json:"provisioners"`
	Tags           map[string]string       `json:"tags"`
	Status         ProvisionerDaemonStatus `json:"status"`
	CurrentJob     *ProvisionerDaemonJob   `json:"current_job"`
	PreviousJob    *ProvisionerDaemonJob   `json:"previous_job"`
	CreatedAt      time.Time               `json:"created_at"`
	LastSeenAt     *time.Time              `json:"last_seen_at,omitempty"`
}

// ProvisionerDaemonJob is a job as its daemon's row shows it.
type ProvisionerDaemonJob struct {
	ID                  ID        `json:"id"`
	Status              JobStatus `json:"status"`
	TemplateName        string    `json:"template_name"`
	TemplateIcon        string    `json:"template_icon"`
	TemplateDisplayName string    `json:"template_display_name"`
}

// ProvisionerKey lets daemons in that carry its tags.
type ProvisionerKey struct {
	ID             ID                `json:"id"`
	CreatedAt      time.Time         `json:"created_at"`
	OrganizationID ID                `json:"organization"`
	Name           string            `json:"name"`
	Tags           map[string]string `json:"tags"`
}

// CreateProvisionerKeyRequest makes a key. Its tags are what daemons offer.
type CreateProvisionerKeyRequest struct {
	Name string            `json:"name"`
	Tags map[string]string `json:"tags,omitempty"`
}

// CreateProvisionerKeyResponse carries the key; it is shown this once.
type CreateProvisionerKeyResponse struct {
	Key Secret `json:"key"`
}

// ProvisionerKeyDaemons are the daemons that use one key.
type ProvisionerKeyDaemons struct {
	Key     ProvisionerKey      `json:"key"`
	Daemons []ProvisionerDaemon `json:"daemons"`
}
