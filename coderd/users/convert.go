package users

import (
	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

func toUser(u database.User, orgs []api.ID) api.User {
	if orgs == nil {
		orgs = []api.ID{}
	}
	return api.User{
		ID: u.ID, Username: u.Username, Name: u.Name, Email: u.Email, AvatarURL: u.AvatarUrl,
		Status: api.UserStatus(u.Status), LoginType: api.LoginType(u.LoginType),
		IsServiceAccount: u.IsServiceAccount, ThemePreference: u.ThemePreference,
		OrganizationIDs: orgs, Roles: toRoles(u.Roles, api.ID{}),
		CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(), LastSeenAt: u.LastSeenAt.UTC(),
	}
}

func toRoles(names []string, org api.ID) []api.SlimRole {
	out := make([]api.SlimRole, 0, len(names))
	for _, n := range names {
		out = append(out, api.SlimRole{Name: n, DisplayName: rbac.DisplayName(n), OrganizationID: org})
	}
	return out
}

func toOrganization(o database.Organization) api.Organization {
	return api.Organization{
		ID: o.ID, Name: o.Name, DisplayName: o.DisplayName, Description: o.Description, Icon: o.Icon,
		IsDefault: o.IsDefault, CreatedAt: o.CreatedAt.UTC(), UpdatedAt: o.UpdatedAt.UTC(),
		DefaultMemberRoles: append([]string{}, o.DefaultMemberRoles...),
	}
}

func toOrganizations(rows []database.Organization) []api.Organization {
	out := make([]api.Organization, 0, len(rows))
	for _, o := range rows {
		out = append(out, toOrganization(o))
	}
	return out
}

func toMember(m database.OrganizationMember, u database.User) api.OrganizationMember {
	return api.OrganizationMember{
		UserID: u.ID, OrganizationID: m.OrganizationID, Username: u.Username, Name: u.Name, Email: u.Email,
		Roles: toRoles(m.Roles, m.OrganizationID), CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
		AvatarURL: u.AvatarUrl, GlobalRoles: toRoles(u.Roles, api.ID{}), Status: api.UserStatus(u.Status),
		LoginType: api.LoginType(u.LoginType), IsServiceAccount: u.IsServiceAccount, LastSeenAt: u.LastSeenAt.UTC(),
		UserCreatedAt: u.CreatedAt.UTC(), UserUpdatedAt: u.UpdatedAt.UTC(),
	}
}

// auditFields are what the audit log shows of a user.
func auditFields(u database.User) map[string]any {
	return map[string]any{
		"username": u.Username, "name": u.Name, "email": u.Email, "status": u.Status,
		"login_type": u.LoginType, "rbac_roles": u.Roles, "avatar_url": u.AvatarUrl, "is_service_account": u.IsServiceAccount,
	}
}
