package rbac

import "slices"

// This file is the policy. Nothing else says who may do what.

// Site role names.
const (
	RoleOwner         = "owner"
	RoleUserAdmin     = "user-admin"
	RoleTemplateAdmin = "template-admin"
	RoleAuditor       = "auditor"
	RoleMember        = "member" // implicit
)

// Organization role names.
const (
	RoleOrgAdmin           = "organization-admin"
	RoleOrgUserAdmin       = "organization-user-admin"
	RoleOrgTemplateAdmin   = "organization-template-admin"
	RoleOrgAuditor         = "organization-auditor"
	RoleOrgCreationBan     = "organization-workspace-creation-ban"
	RoleOrgWorkspaceAccess = "organization-workspace-access"
	RoleOrgMember          = "organization-member" // implicit
)

var allActions = []Action{Create, Read, Update, Delete, Use, SSH, ApplicationConnect, Start, Stop,
	Assign, ReadPersonal, UpdatePersonal, Share, Unassign, ViewInsights, CreateAgent, UpdateAgent, DeleteAgent}

var allTypes = []Type{TypeUser, TypeOrganization, TypeOrganizationMember, TypeAPIKey, TypeTemplate,
	TypeFile, TypeWorkspace, TypeProvisionerDaemon, TypeProvisionerJob, TypeAuditLog,
	TypeDeploymentConfig, TypeDeploymentStats, TypeReplicas, TypeDebugInfo, TypeAssignRole, TypeAssignOrgRole,
	TypeGroup, TypeGroupMember, TypeConnectionLog, TypeWorkspaceProxy}

var (
	crud = set(Create, Read, Update, Delete)
	read = set(Read)
)

// reachIn is what Deployment.OwnersStayOut takes from owners.
var reachIn = set(SSH, ApplicationConnect)

// typeActions: what can be done with objects of each type. Logs can be read only.
var typeActions = permissions{
	TypeUser:               crud | set(ReadPersonal, UpdatePersonal),
	TypeOrganization:       crud,
	TypeOrganizationMember: crud,
	TypeAPIKey:             crud,
	TypeTemplate:           crud | set(Use, ViewInsights),
	TypeFile:               set(Create, Read),
	TypeWorkspace:          crud | set(SSH, ApplicationConnect, Start, Stop, Share, CreateAgent, UpdateAgent, DeleteAgent),
	TypeProvisionerDaemon:  crud,
	TypeProvisionerJob:     set(Create, Read, Update),
	TypeAuditLog:           read,
	TypeDeploymentConfig:   set(Read, Update),
	TypeDeploymentStats:    read,
	TypeReplicas:           read,
	TypeDebugInfo:          read,
	TypeAssignRole:         set(Read, Assign, Unassign),
	TypeAssignOrgRole:      crud | set(Assign, Unassign),
	TypeGroup:              crud,
	TypeGroupMember:        read,
	TypeConnectionLog:      read,
	TypeWorkspaceProxy:     crud,
}

// everything gives all actions on all types but the ones left out.
func everything(except ...Type) permissions {
	p := permissions{}
	for t, all := range typeActions {
		if !slices.Contains(except, t) {
			p[t] = all
		}
	}
	return p
}

// manageTemplates is what template administrators may do.
var manageTemplates = permissions{
	TypeTemplate:          typeActions[TypeTemplate],
	TypeFile:              typeActions[TypeFile],
	TypeWorkspace:         read,
	TypeProvisionerDaemon: crud,
	TypeProvisionerJob:    read,
	TypeGroup:             read,
	TypeGroupMember:       read,
}

// siteRoles: permissions on objects anywhere.
var siteRoles = map[string]Role{
	RoleOwner: {site: everything()},
	RoleUserAdmin: {site: permissions{
		TypeUser:               crud | set(ReadPersonal, UpdatePersonal),
		TypeOrganization:       read,
		TypeOrganizationMember: crud,
		TypeGroup:              crud,
		TypeGroupMember:        read,
		TypeAssignOrgRole:      set(Read, Assign, Unassign),
		TypeAssignRole:         read,
	}},
	RoleTemplateAdmin: {site: manageTemplates.with(permissions{
		TypeUser:               read,
		TypeOrganization:       read,
		TypeOrganizationMember: read,
	})},
	RoleAuditor: {site: permissions{
		TypeAuditLog:         read,
		TypeConnectionLog:    read,
		TypeTemplate:         set(Read, ViewInsights),
		TypeUser:             read,
		TypeOrganization:     read,
		TypeGroup:            read,
		TypeGroupMember:      read,
		TypeDeploymentConfig: read,
		TypeDeploymentStats:  read,
	}},
}

var siteRoleNames = []string{RoleOwner, RoleUserAdmin, RoleTemplateAdmin, RoleAuditor}

// implicitSite is the role of everybody who is signed in.
var implicitSite = Role{
	site: permissions{TypeAssignRole: read},
	user: permissions{
		TypeUser:           set(Read, ReadPersonal, UpdatePersonal),
		TypeAPIKey:         crud,
		TypeFile:           set(Create, Read),
		TypeProvisionerJob: read,
		// A daemon of the user's own, for the user's own jobs.
		TypeProvisionerDaemon: set(Create),
	},
}

// orgRoles: permissions on objects of the organization in which the role is held.
var orgRoles = map[string]Role{
	RoleOrgAdmin: {org: everything(TypeUser, TypeAPIKey, TypeDeploymentConfig,
		TypeDeploymentStats, TypeReplicas, TypeDebugInfo, TypeAssignRole, TypeWorkspaceProxy)},
	RoleOrgUserAdmin: {org: permissions{
		TypeOrganizationMember: crud,
		TypeGroup:              crud,
		TypeGroupMember:        read,
		TypeAssignOrgRole:      set(Read, Assign, Unassign),
	}},
	RoleOrgTemplateAdmin: {org: manageTemplates},
	RoleOrgAuditor:       {org: permissions{TypeAuditLog: read, TypeConnectionLog: read, TypeTemplate: set(Read, ViewInsights)}},
	RoleOrgWorkspaceAccess: {member: permissions{TypeWorkspace: crud | set(SSH, ApplicationConnect, Start, Stop, Share,
		CreateAgent, UpdateAgent, DeleteAgent)}},
	RoleOrgCreationBan: {denied: permissions{TypeWorkspace: set(Create)}},
}

var orgRoleNames = []string{RoleOrgAdmin, RoleOrgUserAdmin, RoleOrgTemplateAdmin, RoleOrgAuditor,
	RoleOrgCreationBan, RoleOrgWorkspaceAccess}

// implicitOrg is the role of every member of an organization. What else members
// hold is set in the organization; by default it is RoleOrgWorkspaceAccess.
var implicitOrg = Role{org: permissions{
	TypeOrganization:       read,
	TypeOrganizationMember: read,
	TypeProvisionerDaemon:  read,
	TypeAssignOrgRole:      read,
}}

func (p permissions) with(more permissions) permissions {
	out := permissions{}
	for _, q := range []permissions{p, more} {
		for t, set := range q {
			out[t] |= set
		}
	}
	return out
}

// IsSiteRole reports whether name is a site role that can be given to a user.
func IsSiteRole(name string) bool { return slices.Contains(siteRoleNames, name) }

// IsOrgRole reports whether name is a built-in organization role that can be given.
func IsOrgRole(name string) bool { return slices.Contains(orgRoleNames, name) }

// DisplayName returns what people call a built-in role.
func DisplayName(role string) string {
	if n, ok := displayNames[role]; ok {
		return n
	}
	return role
}

var displayNames = map[string]string{
	RoleOwner: "Owner", RoleUserAdmin: "User Admin", RoleTemplateAdmin: "Template Admin",
	RoleAuditor: "Auditor", RoleMember: "Member", RoleOrgAdmin: "Organization Admin",
	RoleOrgUserAdmin: "Organization User Admin", RoleOrgTemplateAdmin: "Organization Template Admin",
	RoleOrgAuditor: "Organization Auditor", RoleOrgMember: "Organization Member",
	RoleOrgCreationBan: "Organization Workspace Creation Ban", RoleOrgWorkspaceAccess: "Organization Workspace Access",
}
