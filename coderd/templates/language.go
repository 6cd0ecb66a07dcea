package templates

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Limits of what an import may report beside parameters and variables.
const (
	maxPresets      = 200
	maxExternalAuth = 100
	maxTags         = 50
	maxShortText    = 256 // names, keys, ids
	maxInstances    = 10_000
)

// storeLanguage stores what an import found beside parameters, variables and
// resources. It is foreign input like the rest. providers are the ids for external
// authentication that there are.
func storeLanguage(ctx context.Context, q *database.Queries, version api.ID, res jobrpc.ImportResult, providers []string) error {
	if err := storePresets(ctx, q, version, res.Presets); err != nil {
		return err
	}
	auth, err := encodeExternalAuth(res.ExternalAuth, providers)
	if err != nil {
		return err
	}
	tags, err := encodeTags(res.WorkspaceTags)
	if err != nil {
		return err
	}
	_, err = q.SetTemplateVersionLanguage(ctx, database.SetTemplateVersionLanguageParams{ID: version,
		HasExternalAgent: res.HasExternalAgent, ExternalAuth: auth, WorkspaceTags: tags,
		UsesOwnerSession: res.UsesOwnerSession, UsesOwnerSshKey: res.UsesOwnerSSHKey})
	if err != nil {
		return fmt.Errorf("store what template version %s asks for: %w", version, err)
	}
	return nil
}

func storePresets(ctx context.Context, q *database.Queries, version api.ID, found []jobrpc.Preset) error {
	const what = "presets"
	if len(found) > maxPresets {
		return api.Invalid(what, fmt.Sprintf("the template declares %d presets, at most %d are allowed.", len(found), maxPresets))
	}
	seen, standard := map[string]bool{}, false
	for n, f := range found {
		name := jobs.CleanText(f.Name, maxShortText)
		switch {
		case name == "" || seen[name]:
			return api.Invalid(what, fmt.Sprintf("preset names must be there and differ; %q does not.", jobs.CleanText(name, 64)))
		case f.Default && standard:
			return api.Invalid(what, "only one preset can be the default.")
		case f.Instances != nil && (*f.Instances < 0 || *f.Instances > maxInstances):
			return api.Invalid(what, fmt.Sprintf("preset %q: prebuilds.instances must be 0 to %d.", jobs.CleanText(name, 64), maxInstances))
		}
		seen[name], standard = true, standard || f.Default
		body, err := encodePreset(name, f.Parameters)
		if err != nil {
			return err
		}
		row := database.InsertTemplateVersionPresetParams{ID: api.NewID(), TemplateVersionID: version,
			Ordinal: int32(n), //nolint:gosec // bounded by maxPresets
			Name:    name, Description: jobs.CleanText(f.Description, maxText), Icon: jobs.CleanText(f.Icon, maxText),
			IsDefault: f.Default, Parameters: body}
		if f.Instances != nil {
			instances := int32(*f.Instances) //nolint:gosec // bounded above
			row.DesiredPrebuildInstances = &instances
		}
		if err := q.InsertTemplateVersionPreset(ctx, row); err != nil {
			return fmt.Errorf("store preset %q of template version %s: %w", name, version, err)
		}
	}
	return nil
}

// encodePreset checks the values of a preset. Names that the template does not
// have are fine: a preset may be older or newer than its parameters.
func encodePreset(preset string, found []api.ParameterValue) ([]byte, error) {
	if len(found) > maxParameters {
		return nil, api.Invalid("presets", fmt.Sprintf("preset %q has %d values, at most %d are allowed.", jobs.CleanText(preset, 64), len(found), maxParameters))
	}
	values, size := make([]api.PresetParameter, 0, len(found)), 0
	for _, v := range found {
		p := api.PresetParameter{Name: jobs.CleanText(v.Name, maxShortText), Value: jobs.CleanText(v.Value, maxValue)}
		if size += len(p.Value); size > maxValue {
			return nil, api.Invalid("presets", fmt.Sprintf("the values of preset %q are larger than %d bytes together.", jobs.CleanText(preset, 64), maxValue))
		}
		values = append(values, p)
	}
	body, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("encode preset %q: %w", preset, err)
	}
	return body, nil
}

func encodeExternalAuth(found []jobrpc.ExternalAuth, providers []string) ([]byte, error) {
	if len(found) > maxExternalAuth {
		return nil, api.Invalid("external_auth", fmt.Sprintf("the template names %d external authentication providers, at most %d are allowed.", len(found), maxExternalAuth))
	}
	out := make([]jobrpc.ExternalAuth, len(found))
	for i, a := range found {
		if !a.Optional && !slices.Contains(providers, a.ID) {
			return nil, api.Invalid("external_auth", fmt.Sprintf("the template needs the external authentication provider %q, which this server does not have.", jobs.CleanText(a.ID, 64)))
		}
		out[i] = jobrpc.ExternalAuth{ID: jobs.CleanText(a.ID, maxShortText), Optional: a.Optional}
	}
	return json.Marshal(out)
}

func encodeTags(found []jobrpc.WorkspaceTag) ([]byte, error) {
	if len(found) > maxTags {
		return nil, api.Invalid("workspace_tags", fmt.Sprintf("the template sets %d workspace tags, at most %d are allowed.", len(found), maxTags))
	}
	out := make([]jobrpc.WorkspaceTag, len(found))
	for i, t := range found {
		if t.Key == "" || len(t.Key) > maxShortText || len(t.Value) > maxShortText || len(t.Parameter) > maxShortText {
			return nil, api.Invalid("workspace_tags", fmt.Sprintf("the workspace tag %q is empty or too long; key and value have at most %d bytes.", jobs.CleanText(t.Key, 64), maxShortText))
		}
		out[i] = jobrpc.WorkspaceTag{Key: jobs.CleanText(t.Key, maxShortText), Value: jobs.CleanText(t.Value, maxShortText),
			Parameter: jobs.CleanText(t.Parameter, maxShortText)}
	}
	return json.Marshal(out)
}

// Presets lists the presets of a version, the default one first.
func (s *Service) Presets(ctx context.Context, id api.ID) ([]api.Preset, error) {
	v, err := s.version(ctx, rbac.Read, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.opts.DB.ListTemplateVersionPresets(ctx, v.ID)
	if err != nil {
		return nil, fmt.Errorf("list presets of template version %s: %w", id, err)
	}
	out := make([]api.Preset, len(rows))
	for i, r := range rows {
		out[i] = api.Preset{ID: r.ID, Name: r.Name, Description: r.Description, Icon: r.Icon, Default: r.IsDefault,
			Parameters: []api.PresetParameter{}}
		if r.DesiredPrebuildInstances != nil {
			instances := int(*r.DesiredPrebuildInstances)
			out[i].DesiredPrebuildInstances = &instances
		}
		if err := json.Unmarshal(r.Parameters, &out[i].Parameters); err != nil {
			return nil, fmt.Errorf("decode preset %s: %w", r.ID, err)
		}
	}
	return out, nil
}

// ExternalAuth lists the external services that a version asks its users to sign
// in to, and whether the caller is.
func (s *Service) ExternalAuth(ctx context.Context, id api.ID) ([]api.TemplateVersionExternalAuth, error) {
	v, err := s.version(ctx, rbac.Read, id)
	if err != nil {
		return nil, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	found, err := externalauth.Asked(v.ExternalAuth)
	if err != nil {
		return nil, err
	}
	return s.opts.ExternalAuth.Describe(ctx, caller.UserID, found)
}
