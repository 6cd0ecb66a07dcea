package api

import "slices"

// ShareLevel says who besides those who may use a workspace reaches an application
// or a port in it.
type ShareLevel string

// Levels, each wider than the one before it.
const (
	ShareLevelOwner         ShareLevel = "owner"
	ShareLevelOrganization  ShareLevel = "organization"
	ShareLevelAuthenticated ShareLevel = "authenticated"
	ShareLevelPublic        ShareLevel = "public"
)

var shareLevels = []ShareLevel{ShareLevelOwner, ShareLevelOrganization, ShareLevelAuthenticated, ShareLevelPublic}

// Valid reports whether l is one of the levels.
func (l ShareLevel) Valid() bool { return slices.Contains(shareLevels, l) }

// AtMost returns the narrower of l and limit; what is no level is that of the owner.
func (l ShareLevel) AtMost(limit ShareLevel) ShareLevel {
	return shareLevels[max(0, min(slices.Index(shareLevels, l), slices.Index(shareLevels, limit)))]
}

// Who answers when a browser asks whether pages of another origin may read what an
// application says.
const (
	CORSSimple   = "simple"   // the deployment: applications of the same user may
	CORSPassthru = "passthru" // the application
)

// Protocols that are spoken to ports.
const (
	PortHTTP  = "http"
	PortHTTPS = "https"
)

// PortShare lets others reach a port of a workspace.
type PortShare struct {
	WorkspaceID ID         `json:"workspace_id"`
	AgentName   string     `json:"agent_name"`
	Port        int        `json:"port"`
	ShareLevel  ShareLevel `json:"share_level"`
	Protocol    string     `json:"protocol"`
}

// PortShares is the answer of GET /workspaces/{workspace}/port-share.
type PortShares struct {
	Shares []PortShare `json:"shares"`
}

// UpsertPortShareRequest shares a port, or changes how it is shared. Protocol is
// http when empty.
type UpsertPortShareRequest struct {
	AgentName  string     `json:"agent_name" maxLength:"64"`
	Port       int        `json:"port"`
	ShareLevel ShareLevel `json:"share_level" maxLength:"32"`
	Protocol   string     `json:"protocol,omitempty" maxLength:"16"`
}

// DeletePortShareRequest ends the sharing of a port.
type DeletePortShareRequest struct {
	AgentName string `json:"agent_name" maxLength:"64"`
	Port      int    `json:"port"`
}
