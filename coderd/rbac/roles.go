package rbac

import "slices"

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
	RoleOrgAdmin         = "organization-admin"
	RoleOrgUserAdmin     = "organization-user-admin"
	RoleOrgTemplateAdmin = "organization-template-admin"
	RoleOrgAuditor       = "organization-auditor"
	RoleOrgMember        = "organization-member" // implicit
)

var allActions = []Action{Create, Read, Update, Delete, Use, SSH, ApplicationConnect, Start, Stop,
	Assign, ReadPersonal, UpdatePersonal}

var allTypes = []Type{TypeUser, TypeOrganization, TypeOrganizationMember, TypeAPIKey, TypeTemplate,
	TypeFile, TypeWorkspace, TypeProvisionerDaemon, TypeProvisionerJob, TypeAuditLog, TypeConnectionLog,
	TypeDeploymentConfig, TypeDeploymentStats, TypeReplicas, TypeDebugInfo, TypeAssignRole, TypeAssignOrgRole}

// permissions maps a type to what may be done with its objects.
type permissions map[Type][]Action

func (p permissions) allows(a Action, t Type) bool { return slices.Contains(p[t], a) }

// everything gives all actions on all types but the ones left out.
func everything(except ...Type) permissions {
	p := permissions{}
	for _, t := range allTypes {
		if !slices.Contains(except, t) {
			p[t] = allActions
		}
	}
	return p
}

var crud = []Action{Create, Read, Update, Delete}

// siteRoles: permissions on objects anywhere. Nobody may write the audit log.
var siteRoles = map[string]permissions{
	RoleOwner: withReadOnly(withReadOnly(everything(TypeAuditLog), TypeAuditLog), TypeConnectionLog),
	RoleUserAdmin: {
		TypeUser:               {Create, Read, Update, Delete, ReadPersonal, UpdatePersonal},
		TypeOrganization:       {Read},
		TypeOrganizationMember: crud,
		TypeAssignOrgRole:      {Read, Assign},
		TypeAssignRole:         {Read},
	},
	RoleTemplateAdmin: {
		TypeTemplate:          {Create, Read, Update, Delete, Use},
		TypeFile:              {Create, Read},
		TypeWorkspace:         {Read},
		TypeProvisionerDaemon: crud,
		TypeProvisionerJob:    {Read},
		TypeUser:              {Read},
		TypeOrganization:      {Read},
	},
	RoleAuditor: {
		TypeAuditLog:         {Read},
		TypeConnectionLog:    {Read},
		TypeTemplate:         {Read},
		TypeUser:             {Read},
		TypeOrganization:     {Read},
		TypeDeploymentConfig: {Read},
		TypeDeploymentStats:  {Read},
	},
	RoleMember: {
		TypeAssignRole: {Read},
	},
}

// orgRoles: permissions on objects of the organization in which the role is held.
var orgRoles = map[string]permissions{
	RoleOrgAdmin: withReadOnly(withReadOnly(everything(TypeAuditLog, TypeUser, TypeAPIKey, TypeDeploymentConfig,
		TypeDeploymentStats, TypeReplicas, TypeDebugInfo, TypeAssignRole), TypeAuditLog), TypeConnectionLog),
	RoleOrgUserAdmin: {
		TypeOrganizationMember: crud,
		TypeAssignOrgRole:      {Read, Assign},
	},
	RoleOrgTemplateAdmin: {
		TypeTemplate:          {Create, Read, Update, Delete, Use},
		TypeFile:              {Create, Read},
		TypeWorkspace:         {Read},
		TypeProvisionerDaemon: crud,
		TypeProvisionerJob:    {Read},
	},
	RoleOrgAuditor: {TypeAuditLog: {Read}, TypeConnectionLog: {Read}},
	RoleOrgMember: {
		TypeOrganization:       {Read},
		TypeOrganizationMember: {Read},
		TypeTemplate:           {Read, Use},
		TypeProvisionerDaemon:  {Read},
		TypeAssignOrgRole:      {Read},
	},
}

// userPermissions: what everyone may do with what they own.
var userPermissions = permissions{
	TypeUser:           {Read, ReadPersonal, UpdatePersonal},
	TypeAPIKey:         crud,
	TypeFile:           {Create, Read},
	TypeProvisionerJob: {Read},
	// A daemon of the user's own, for the user's own jobs.
	TypeProvisionerDaemon: {Create},
	TypeWorkspace: {Create, Read, Update, Delete, SSH, ApplicationConnect,
		Start, Stop},
}

func withReadOnly(p permissions, t Type) permissions {
	p[t] = []Action{Read}
	return p
}

// IsSiteRole reports whether name is a site role that can be given to a user.
func IsSiteRole(name string) bool {
	_, ok := siteRoles[name]
	return ok && name != RoleMember
}

// IsOrgRole reports whether name is an organization role that can be given.
func IsOrgRole(name string) bool {
	_, ok := orgRoles[name]
	return ok && name != RoleOrgMember
}

// DisplayName returns what people call a role.
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
}
