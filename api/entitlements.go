package api

import "time"

// Entitlement says whether a feature may be used. Here it always may.
type Entitlement string

// The entitlements that clients know. Servers of this product answer the first.
const (
	Entitled    Entitlement = "entitled"
	GracePeriod Entitlement = "grace_period"
	NotEntitled Entitlement = "not_entitled"
)

// Feature is one thing that other products sell. Limit and actual are absent:
// nothing is counted and nothing is limited.
type Feature struct {
	Entitlement Entitlement `json:"entitlement"`
	Enabled     bool        `json:"enabled"`
	Limit       *int64      `json:"limit,omitempty"`
	Actual      *int64      `json:"actual,omitempty"`
}

// Entitlements says what may be used: everything, without a licence.
type Entitlements struct {
	Features         map[string]Feature `json:"features"`
	Warnings         []string           `json:"warnings"`
	Errors           []string           `json:"errors"`
	HasLicense       bool               `json:"has_license"`
	Trial            bool               `json:"trial"`
	RequireTelemetry bool               `json:"require_telemetry"`
	RefreshedAt      time.Time          `json:"refreshed_at"`
}

// License is what a key of a licensed product would be. There are none.
type License struct {
	ID         int32          `json:"id"`
	UUID       ID             `json:"uuid"`
	UploadedAt time.Time      `json:"uploaded_at"`
	Claims     map[string]any `json:"claims"`
}

// FeatureNames are the features that clients ask for by name.
func FeatureNames() []string {
	return []string{"access_control", "advanced_template_scheduling", "appearance", "audit_log", "browser_only",
		"connection_log", "control_shared_ports", "custom_roles", "external_provisioner_daemons",
		"external_token_encryption", "high_availability", "multiple_external_auth", "multiple_organizations", "scim",
		"service_accounts", "template_rbac", "user_limit", "user_role_management", "workspace_batch_actions",
		"workspace_external_agent", "workspace_prebuilds", "workspace_proxy"}
}
