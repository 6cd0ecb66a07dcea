package api

import "time"

// CreateOrganizationRequest makes an organization.
type CreateOrganizationRequest struct {
	Name        string `json:"name" maxLength:"32"`
	DisplayName string `json:"display_name,omitempty" maxLength:"256"`
	Description string `json:"description,omitempty" maxLength:"1024"`
	Icon        string `json:"icon,omitempty" maxLength:"1024"`
}

// UpdateOrganizationRequest changes the fields that are given.
type UpdateOrganizationRequest struct {
	Name               *string   `json:"name,omitempty" maxLength:"32"`
	DisplayName        *string   `json:"display_name,omitempty" maxLength:"256"`
	Description        *string   `json:"description,omitempty" maxLength:"1024"`
	Icon               *string   `json:"icon,omitempty" maxLength:"1024"`
	DefaultMemberRoles *[]string `json:"default_org_member_roles,omitempty" maxItems:"64"`
}

// MembersPage is one page of members and how many match in all.
type MembersPage struct {
	Members []OrganizationMember `json:"members"`
	Count   int                  `json:"count"`
}

// Permission is one action on one kind of resource; "*" stands for all. Negate is
// always false: roles only add.
type Permission struct {
	Negate       bool   `json:"negate" required:"false"`
	ResourceType string `json:"resource_type" maxLength:"64"`
	Action       string `json:"action" maxLength:"64"`
}

// Role is a named set of permissions, by level: on everything, on what is in the
// organization, on what the holder owns in the organization, and on what the holder
// owns anywhere.
type Role struct {
	Name                    string       `json:"name"`
	DisplayName             string       `json:"display_name"`
	OrganizationID          ID           `json:"organization_id,omitzero"`
	SitePermissions         []Permission `json:"site_permissions"`
	OrganizationPermissions []Permission `json:"organization_permissions"`
	MemberPermissions       []Permission `json:"organization_member_permissions"`
	UserPermissions         []Permission `json:"user_permissions"`
}

// AssignableRole is a role and whether the caller may give it to somebody.
type AssignableRole struct {
	Role
	Assignable bool `json:"assignable"`
	BuiltIn    bool `json:"built_in"`
}

// CustomRoleRequest defines a role of an organization.
type CustomRoleRequest struct {
	Name                    string       `json:"name" maxLength:"64"`
	DisplayName             string       `json:"display_name,omitempty" maxLength:"256"`
	SitePermissions         []Permission `json:"site_permissions,omitempty" maxItems:"500"`
	OrganizationPermissions []Permission `json:"organization_permissions,omitempty" maxItems:"500"`
	MemberPermissions       []Permission `json:"organization_member_permissions,omitempty" maxItems:"500"`
	UserPermissions         []Permission `json:"user_permissions,omitempty" maxItems:"500"`
}

// ReducedUser is what lists of people show.
type ReducedUser struct {
	ID               ID         `json:"id"`
	Username         string     `json:"username"`
	Name             string     `json:"name,omitempty"`
	Email            string     `json:"email"`
	AvatarURL        string     `json:"avatar_url,omitempty"`
	Status           UserStatus `json:"status"`
	LoginType        LoginType  `json:"login_type"`
	IsServiceAccount bool       `json:"is_service_account,omitempty"`
	ThemePreference  string     `json:"theme_preference,omitempty"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
	LastSeenAt       time.Time  `json:"last_seen_at,omitzero"`
}

// Group is a set of members of an organization. The one whose id is that of its
// organization holds all of them.
type Group struct {
	ID                      ID            `json:"id"`
	Name                    string        `json:"name"`
	DisplayName             string        `json:"display_name"`
	OrganizationID          ID            `json:"organization_id"`
	OrganizationName        string        `json:"organization_name"`
	OrganizationDisplayName string        `json:"organization_display_name"`
	Members                 []ReducedUser `json:"members"`
	TotalMemberCount        int           `json:"total_member_count"`
	AvatarURL               string        `json:"avatar_url"`
	QuotaAllowance          int           `json:"quota_allowance"`
	Source                  string        `json:"source"` // "user" or "oidc"
}

// CreateGroupRequest makes a group.
type CreateGroupRequest struct {
	Name           string `json:"name" maxLength:"32"`
	DisplayName    string `json:"display_name,omitempty" maxLength:"256"`
	AvatarURL      string `json:"avatar_url,omitempty" maxLength:"1024"`
	QuotaAllowance int    `json:"quota_allowance,omitempty" minimum:"0" maximum:"2147483647"`
}

// PatchGroupRequest changes the fields that are given. Users are given by id.
type PatchGroupRequest struct {
	AddUsers       []string `json:"add_users,omitempty" maxItems:"1000"`
	RemoveUsers    []string `json:"remove_users,omitempty" maxItems:"1000"`
	Name           string   `json:"name,omitempty" maxLength:"32"`
	DisplayName    *string  `json:"display_name,omitempty" maxLength:"256"`
	AvatarURL      *string  `json:"avatar_url,omitempty" maxLength:"1024"`
	QuotaAllowance *int     `json:"quota_allowance,omitempty" minimum:"0" maximum:"2147483647"`
}

// GroupMembersResponse is one page of members and how many match in all.
type GroupMembersResponse struct {
	Users []ReducedUser `json:"users"`
	Count int           `json:"count"`
}

// Roles of access lists. RoleNone takes an entry away.
const (
	RoleUse   = "use"
	RoleAdmin = "admin"
	RoleNone  = ""
)

// TemplateACL says who may use and who may administrate a template.
type TemplateACL struct {
	Users  []TemplateUser  `json:"users"`
	Groups []TemplateGroup `json:"group"`
}

// TemplateUser is a person on a template's access list.
type TemplateUser struct {
	User
	Role string `json:"role"`
}

// TemplateGroup is a group on a template's access list.
type TemplateGroup struct {
	Group
	Role string `json:"role"`
}

// UpdateTemplateACL sets roles by id of the user or group; "" takes one away.
type UpdateTemplateACL struct {
	UserPerms  map[string]string `json:"user_perms,omitempty"`
	GroupPerms map[string]string `json:"group_perms,omitempty"`
}

// ACLAvailable is who can be put on an access list.
type ACLAvailable struct {
	Users  []ReducedUser `json:"users"`
	Groups []Group       `json:"groups"`
}

// WorkspaceACL says with whom a workspace is shared.
type WorkspaceACL struct {
	Users  []WorkspaceUser  `json:"users"`
	Groups []WorkspaceGroup `json:"group"`
}

// WorkspaceUser is a person a workspace is shared with.
type WorkspaceUser struct {
	MinimalUser
	Role string `json:"role"`
}

// WorkspaceGroup is a group a workspace is shared with.
type WorkspaceGroup struct {
	Group
	Role string `json:"role"`
}

// UpdateWorkspaceACL sets roles by id of the user or group; "" takes one away.
type UpdateWorkspaceACL struct {
	UserRoles  map[string]string `json:"user_roles,omitempty"`
	GroupRoles map[string]string `json:"group_roles,omitempty"`
}

// Whose workspaces may be shared.
const (
	ShareNone            = "none"
	ShareEveryone        = "everyone"
	ShareServiceAccounts = "service_accounts"
)

// WorkspaceSharingSettings is the policy of an organization.
type WorkspaceSharingSettings struct {
	SharingDisabled          bool   `json:"sharing_disabled"`
	SharingGloballyDisabled  bool   `json:"sharing_globally_disabled"`
	ShareableWorkspaceOwners string `json:"shareable_workspace_owners"`
}

// UpdateWorkspaceSharingSettingsRequest changes it. ShareableWorkspaceOwners wins
// where both are given.
type UpdateWorkspaceSharingSettingsRequest struct {
	SharingDisabled          bool   `json:"sharing_disabled,omitempty"`
	ShareableWorkspaceOwners string `json:"shareable_workspace_owners,omitempty" enum:"none,everyone,service_accounts,"`
}
