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

// verbs are the actions as they are told: done, and tried in vain.
var verbs = map[Action]struct{ done, try string }{
	Create: {"created", "create"}, Write: {"changed", "change"}, Delete: {"deleted", "delete"},
	Start: {"started", "start"}, Stop: {"stopped", "stop"}, Register: {"registered", "register"},
	Login: {"signed in to", "sign in to"}, Logout: {"signed out of", "sign out of"},
	RequestPasswordReset: {"asked for a new password of", "ask for a new password of"},
	Connect:              {"connected to", "connect to"}, Disconnect: {"disconnected from", "disconnect from"},
	Open: {"opened", "open"}, Close: {"closed", "close"},
}

// describe says what happened in one sentence without its end.
func describe(a database.AuditLog) string {
	who, verb := a.Username, verbs[Action(a.Action)]
	if who == "" {
		who = "somebody"
	}
	text := who + " " + verb.done
	if a.StatusCode >= 400 {
		text = who + " failed to " + verb.try
	}
	switch {
	case a.ResourceType == "user" && (a.Action == string(Login) || a.Action == string(Logout)):
		for _, to := range []string{" to", " of"} {
			text = strings.TrimSuffix(text, to)
		}
		if a.ResourceTarget == a.Username {
			return text
		}
		text += " as"
	case a.ResourceType == "workspace_build" && a.Action != string(Create) && a.Action != string(Write):
		text += " workspace" // which is what the build does
	default:
		text += " " + strings.ReplaceAll(a.ResourceType, "_", " ")
	}
	if a.ResourceTarget != "" {
		text += " " + a.ResourceTarget
	}
	return text
}
