package workspaces

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/database"
)

// loadPreset returns the values of a preset of a version, none for a zero id.
func loadPreset(ctx context.Context, q *database.Queries, preset, version api.ID) ([]api.PresetParameter, error) {
	if preset.IsZero() {
		return nil, nil
	}
	row, err := q.GetTemplateVersionPreset(ctx, database.GetTemplateVersionPresetParams{ID: preset, TemplateVersionID: version})
	if database.IsNotFound(err) {
		return nil, api.Invalid("template_version_preset_id", "the template version has no such preset; GET /api/v2/templateversions/{id}/presets lists them")
	}
	if err != nil {
		return nil, fmt.Errorf("load preset %s: %w", preset, err)
	}
	var values []api.PresetParameter
	if err := json.Unmarshal(row.Parameters, &values); err != nil {
		return nil, fmt.Errorf("decode preset %s: %w", preset, err)
	}
	return values, nil
}
