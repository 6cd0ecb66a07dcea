package templates

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// ArchiveUnused hides the versions of a template that no workspace uses and that
// are not active: those whose import failed, with all also those that could be
// used.
func (s *Service) ArchiveUnused(ctx context.Context, id api.ID, all bool) (api.ArchiveTemplateVersionsResponse, error) {
	out := api.ArchiveTemplateVersionsResponse{TemplateID: id, ArchivedIDs: []api.ID{}}
	if _, err := s.template(ctx, rbac.Update, id); err != nil {
		return out, err
	}
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if _, err := lockTemplate(ctx, q, id); err != nil {
			return err
		}
		ids, err := q.ArchiveUnusedTemplateVersions(ctx, database.ArchiveUnusedTemplateVersionsParams{TemplateID: id, Every: all})
		if err != nil {
			return fmt.Errorf("archive versions of template %s: %w", id, err)
		}
		out.ArchivedIDs = ids
		for _, v := range ids {
			row, err := q.GetTemplateVersionRow(ctx, v)
			if err != nil {
				return fmt.Errorf("load template version %s: %w", v, err)
			}
			if err := recordVersion(ctx, q, row, map[string]any{"archived": false}, map[string]any{"archived": true}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// ArchiveUnusedInput names the template.
type ArchiveUnusedInput struct {
	TemplateInput
	Body api.ArchiveTemplateVersionsRequest
}

// HandleArchiveUnused archives the versions that nobody uses.
func (s *Service) HandleArchiveUnused(ctx context.Context, in *ArchiveUnusedInput) (*httpapi.Out[api.ArchiveTemplateVersionsResponse], error) {
	return httpapi.Reply(s.ArchiveUnused(ctx, in.Template, in.Body.All))
}
