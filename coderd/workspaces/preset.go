package workspaces

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
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

// fillGiven adds the values of a preset to those given: for parameters that are
// declared, not given, and, where the workspace has a value that must not change,
// not bound to it. A preset may name parameters that the version does not have.
func fillGiven(declared []api.TemplateVersionParameter, given, previous []api.ParameterValue, values []api.PresetParameter) []api.ParameterValue {
	out := append([]api.ParameterValue{}, given...)
	now, before, byName := valueMap(given), valueMap(previous), map[string]api.TemplateVersionParameter{}
	for _, p := range declared {
		byName[p.Name] = p
	}
	for _, v := range values {
		p, known := byName[v.Name]
		_, isGiven := now[v.Name]
		_, hasOld := before[v.Name]
		if known && !isGiven && (!hasOld || p.Mutable || p.Ephemeral) {
			out = append(out, api.ParameterValue{Name: v.Name, Value: v.Value})
		}
	}
	return out
}

// addTags adds the workspace tags of a version to the tags of its job. The value
// of a parameter replaces the one that its default gave.
func addTags(tags map[string]string, v database.TemplateVersion, parameters []api.ParameterValue) error {
	var found []jobrpc.WorkspaceTag
	if err := json.Unmarshal(v.WorkspaceTags, &found); err != nil {
		return fmt.Errorf("decode workspace tags of version %s: %w", v.ID, err)
	}
	values := valueMap(parameters)
	for _, t := range found {
		tags[t.Key] = t.Value
		if value, ok := values[t.Parameter]; ok && t.Parameter != "" {
			tags[t.Key] = value
		}
	}
	return nil
}
