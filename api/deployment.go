package api

import (
	"encoding/json"
	"time"
)

// Names on the wire that existing clients know.
const (
	SessionTokenHeader = "Coder-Session-Token"
	SessionTokenCookie = "coder_session_token"
	RequestIDHeader    = "X-Coder-Request-Id"
	BuildVersionHeader = "X-Coder-Build-Version"
)

// BuildInfo tells clients what they talk to. It needs no authentication.
type BuildInfo struct {
	ExternalURL           string `json:"external_url"`
	Version               string `json:"version"`
	DashboardURL          string `json:"dashboard_url"`
	Telemetry             bool   `json:"telemetry"`
	WorkspaceProxy        bool   `json:"workspace_proxy"`
	AgentAPIVersion       string `json:"agent_api_version"`
	ProvisionerAPIVersion string `json:"provisioner_api_version"`
	UpgradeMessage        string `json:"upgrade_message"`
	DeploymentID          string `json:"deployment_id"`
}

// SSHConfig is what config-ssh needs to know of the deployment.
type SSHConfig struct {
	HostnamePrefix   string            `json:"hostname_prefix"`
	HostnameSuffix   string            `json:"hostname_suffix"`
	SSHConfigOptions map[string]string `json:"ssh_config_options"`
}

// AuthorizationObject names what an authorization check is about.
type AuthorizationObject struct {
	ResourceType   string `json:"resource_type"`
	OwnerID        string `json:"owner_id,omitempty"`
	OrganizationID string `json:"organization_id,omitempty"`
	ResourceID     string `json:"resource_id,omitempty"`
	AnyOrg         bool   `json:"any_org,omitempty"`
}

// AuthorizationCheck is one question of an AuthorizationRequest.
type AuthorizationCheck struct {
	Object AuthorizationObject `json:"object"`
	Action string              `json:"action"`
}

// AuthorizationRequest asks, under names of the caller's choice, what the
// caller may do.
type AuthorizationRequest struct {
	Checks map[string]AuthorizationCheck `json:"checks" maxProperties:"100"`
}

// AuthorizationResponse answers each check of the request by its name.
type AuthorizationResponse map[string]bool

// AuditLog is one recorded decision. Entries cannot be changed.
type AuditLog struct {
	ID             ID              `json:"id"`
	RequestID      ID              `json:"request_id"`
	Time           time.Time       `json:"time"`
	OrganizationID ID              `json:"organization_id"`
	IP             string          `json:"ip"`
	UserAgent      string          `json:"user_agent"`
	UserID         *ID             `json:"user_id,omitempty"`
	Username       string          `json:"username,omitempty"`
	ResourceType   string          `json:"resource_type"`
	ResourceID     ID              `json:"resource_id"`
	ResourceTarget string          `json:"resource_target"`
	Action         string          `json:"action"`
	StatusCode     int             `json:"status_code"`
	Diff           json.RawMessage `json:"diff"`
}

// AuditLogResponse is one page of audit entries, newest first.
type AuditLogResponse struct {
	AuditLogs []AuditLog `json:"audit_logs"`
	Count     int        `json:"count"`
}
