package templates

import (
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// activityBump is what templates cannot set yet and clients expect to read.
const activityBump = time.Hour

func convertTemplate(r database.ListTemplatesRow) api.Template {
	t := r.Template
	return api.Template{
		ID:                           t.ID,
		OrganizationID:               t.OrganizationID,
		OrganizationName:             r.OrganizationName,
		OrganizationDisplayName:      r.OrganizationDisplayName,
		OrganizationIcon:             r.OrganizationIcon,
		Name:                         t.Name,
		DisplayName:                  t.DisplayName,
		Description:                  t.Description,
		Icon:                         t.Icon,
		Provisioner:                  t.Provisioner,
		ActiveVersionID:              t.ActiveVersionID,
		ActiveUserCount:              int(r.ActiveUserCount),
		Deprecated:                   t.DeprecationMessage != "",
		DeprecationMessage:           t.DeprecationMessage,
		CreatedByID:                  t.CreatedBy,
		CreatedByName:                r.CreatedByName,
		DefaultTTLMillis:             t.DefaultTtlMs,
		ActivityBumpMillis:           activityBump.Milliseconds(),
		AllowUserAutostart:           true,
		AllowUserAutostop:            true,
		AllowUserCancelWorkspaceJobs: t.AllowUserCancelWorkspaceJobs,
		RequireActiveVersion:         t.RequireActiveVersion,
		MaxPortShareLevel:            t.MaxPortShareLevel,
		CORSBehavior:                 t.CorsBehavior,
		UseClassicParameterFlow:      t.UseClassicParameterFlow,
		CreatedAt:                    t.CreatedAt,
		UpdatedAt:                    t.UpdatedAt,
	}
}

func convertVersion(r database.ListTemplateVersionsRow, job api.ProvisionerJob) api.TemplateVersion {
	v := r.TemplateVersion
	return api.TemplateVersion{
		ID:                  v.ID,
		TemplateID:          v.TemplateID,
		OrganizationID:      v.OrganizationID,
		Name:                v.Name,
		Message:             v.Message,
		Readme:              v.Readme,
		Archived:            v.Archived,
		CreatedBy:           api.MinimalUser{ID: v.CreatedBy, Username: r.Username, Name: r.UserFullName, AvatarURL: r.AvatarUrl},
		Job:                 job,
		HasExternalAgent:    v.HasExternalAgent,
		MatchedProvisioners: job.Matched,
		CreatedAt:           v.CreatedAt,
		UpdatedAt:           v.UpdatedAt,
	}
}
