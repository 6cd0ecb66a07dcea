package audit

import (
	"strings"

	"coder.internal/api"
	"coder.internal/database"
)

func toLog(r database.ListAuditLogsRow) api.AuditLog {
	a := r.AuditLog
	out := api.AuditLog{
		ID: a.ID, Time: a.Time.UTC(), IP: a.Ip, UserAgent: a.UserAgent, UserID: a.UserID, Username: a.Username,
		ResourceType: a.ResourceType, ResourceID: a.ResourceID, ResourceTarget: a.ResourceTarget,
		ResourceLink: r.ResourceLink, IsDeleted: r.IsDeleted, Action: a.Action, StatusCode: int(a.StatusCode),
		Description: describe(a), Diff: a.Diff, AdditionalFields: a.AdditionalFields,
	}
	if r.IsDeleted {
		out.ResourceLink = "" // it would lead nowhere
	}
	if a.RequestID != nil {
		out.RequestID = *a.RequestID
	}
	if a.OrganizationID != nil {
		out.OrganizationID = *a.OrganizationID
		out.Organization = &api.MinimalOrganization{ID: *a.OrganizationID, Name: r.OrganizationName,
			DisplayName: r.OrganizationDisplayName, Icon: r.OrganizationIcon}
	}
	if a.UserID != nil && r.UserCreatedAt != nil && r.UserLastSeenAt != nil {
		out.User = &api.User{ID: *a.UserID, Username: a.Username, Name: r.UserFullName, Email: r.UserEmail,
			AvatarURL: r.UserAvatarUrl, Status: api.UserStatus(r.UserStatus), LoginType: api.LoginType(r.UserLoginType),
			OrganizationIDs: []api.ID{}, Roles: []api.SlimRole{}, CreatedAt: r.UserCreatedAt.UTC(), LastSeenAt: r.UserLastSeenAt.UTC()}
	}
	return out
}

// verbs are the actions in the past.
var verbs = map[Action]string{Create: "created", Write: "changed", Delete: "deleted", Start: "started", Stop: "stopped",
	Login: "signed in to", Logout: "signed out of", Register: "registered", RequestPasswordReset: "asked for a new password of",
	Connect: "connected to", Disconnect: "disconnected from", Open: "opened", Close: "closed"}

// describe says what happened in one sentence without its end.
func describe(a database.AuditLog) string {
	who, what := a.Username, strings.ReplaceAll(a.ResourceType, "_", " ")
	if who == "" {
		who = "somebody"
	}
	text := who + " " + verbs[Action(a.Action)] + " " + what
	if a.StatusCode >= 400 {
		text = who + " tried and failed: " + a.Action + " " + what
	}
	if a.ResourceTarget != "" {
		text += " " + a.ResourceTarget
	}
	return text
}
