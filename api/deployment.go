package api

import (
	"encoding/json"
	"time"
)

// Names on the wire that existing clients know.
const (
	SessionTokenHeader = "Coder-Session-Token"
	SessionTokenCookie = "coder_session_token"
	// HostPrefix before the name of a cookie has browsers take it from this host alone.
	HostPrefix         = "__Host-"
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

// AuditLog is one entry of the audit log. User is who did it, as they are now;
// Username is what they were called then.
type AuditLog struct {
	ID               ID                   `json:"id"`
	RequestID        ID                   `json:"request_id"`
	Time             time.Time            `json:"time"`
	OrganizationID   ID                   `json:"organization_id"`
	Organization     *MinimalOrganization `json:"organization,omitempty"`
	IP               string               `json:"ip"`
	UserAgent        string               `json:"user_agent"`
	UserID           *ID                  `json:"user_id,omitempty"`
	Username         string               `json:"username,omitempty"`
	User             *User                `json:"user"`
	ResourceType     string               `json:"resource_type"`
	ResourceID       ID                   `json:"resource_id"`
	ResourceTarget   string               `json:"resource_target"`
	ResourceIcon     string               `json:"resource_icon"`
	ResourceLink     string               `json:"resource_link"`
	IsDeleted        bool                 `json:"is_deleted"`
	Action           string               `json:"action"`
	Description      string               `json:"description"`
	StatusCode       int                  `json:"status_code"`
	Diff             json.RawMessage      `json:"diff"`
	AdditionalFields json.RawMessage      `json:"additional_fields"`
}

// MinimalOrganization is what a list shows of an organization.
type MinimalOrganization struct {
	ID          ID     `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	Icon        string `json:"icon"`
}

// AuditLogResponse is one page of audit entries, newest first. Count stops at
// CountCap.
type AuditLogResponse struct {
	AuditLogs []AuditLog `json:"audit_logs"`
	Count     int        `json:"count"`
	CountCap  int        `json:"count_cap"`
}
