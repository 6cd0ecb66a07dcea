package templates

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Limits of variables and parameters of one version.
const (
	maxVariables  = 1000
	maxParameters = 1000
	maxText       = 64 << 10 // description, option texts
	maxValue      = 1 << 20
	maxVarName    = 1024
	maxAllValues  = 4 << 20 // together
)

// checkValues refuses pushed values that could not be used.
func checkValues(values []api.VariableValue) error {
	if len(values) > maxVariables {
		return api.Invalid("user_variable_values", fmt.Sprintf("has %d entries, at most %d are allowed.", len(values), maxVariables))
	}
	seen, total := map[string]bool{}, 0
	for _, v := range values {
		switch {
		case v.Name == "" || jobs.CleanText(v.Name, maxVarName) != v.Name:
			return api.Invalid("user_variable_values", fmt.Sprintf("names need 1 to %d bytes of text.", maxVarName))
		case seen[v.Name]:
			return api.Invalid("user_variable_values", fmt.Sprintf("names %q twice.", jobs.CleanText(v.Name, 64)))
		case jobs.CleanText(v.Value, maxValue) != v.Value:
			return api.Invalid("user_variable_values", fmt.Sprintf("the value of %q must be text of at most %d bytes.", jobs.CleanText(v.Name, 64), maxValue))
		}
		seen[v.Name] = true
		total += len(v.Value)
	}
	if total > maxAllValues {
		return api.Invalid("user_variable_values", fmt.Sprintf("all values together are larger than %d bytes.", maxAllValues))
	}
	return nil
}

// putInputs stores the values that an import runs with, encrypted.
func (s *Service) putInputs(ctx context.Context, q *database.Queries, version api.ID, values []api.VariableValue) error {
	if len(values) == 0 {
		return nil
	}
	plain, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("encode variables of template version %s: %w", version, err)
	}
	sealed, err := s.opts.Ring.Seal(plain)
	if err != nil {
		return fmt.Errorf("seal variables of template version %s: %w", version, err)
	}
	if err := q.PutTemplateVersionInputs(ctx, database.PutTemplateVersionInputsParams{TemplateVersionID: version, Variables: sealed}); err != nil {
		return fmt.Errorf("store variables of template version %s: %w", version, err)
	}
	return nil
}

// inputs reads what putInputs stored; none is an empty list.
func (s *Service) inputs(ctx context.Context, q *database.Queries, version api.ID) ([]api.VariableValue, error) {
	sealed, err := q.GetTemplateVersionInputs(ctx, version)
	if database.IsNotFound(err) {
		return []api.VariableValue{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load variables of template version %s: %w", version, err)
	}
	plain, err := s.opts.Ring.Open(sealed)
	if err != nil {
		return nil, fmt.Errorf("open variables of template version %s: %w", version, err)
	}
	var out []api.VariableValue
	if err := json.Unmarshal(plain, &out); err != nil {
		return nil, fmt.Errorf("decode variables of template version %s: %w", version, err)
	}
	return out, nil
}

// VariablesOf returns the values of a version's variables, sensitive ones
// included, for a build. Only what runs on behalf of a daemon may call it.
func VariablesOf(ctx context.Context, q *database.Queries, ring *keys.Ring, version api.ID) ([]api.VariableValue, error) {
	rows, err := q.ListTemplateVersionVariables(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("load variables of template version %s: %w", version, err)
	}
	out := make([]api.VariableValue, 0, len(rows))
	for _, r := range rows {
		value := r.Value
		if r.Sensitive {
			if value, err = openText(ring, value); err != nil {
				return nil, fmt.Errorf("open variable %q of template version %s: %w", r.Name, version, err)
			}
		}
		out = append(out, api.VariableValue{Name: r.Name, Value: value})
	}
	return out, nil
}

// sealText encrypts a value into a text column; "" stays "".
func sealText(ring *keys.Ring, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	b, err := ring.Seal([]byte(s))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

func openText(ring *keys.Ring, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("decode sealed value: %w", err)
	}
	plain, err := ring.Open(b)
	return string(plain), err
}

// Variables lists the variables of a version; sensitive values are blank.
func (s *Service) Variables(ctx context.Context, id api.ID) ([]api.TemplateVersionVariable, error) {
	v, err := s.version(ctx, rbac.Read, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.opts.DB.ListTemplateVersionVariables(ctx, v.ID)
	if err != nil {
		return nil, fmt.Errorf("load variables of template version %s: %w", id, err)
	}
	out := make([]api.TemplateVersionVariable, len(rows))
	for i, r := range rows {
		out[i] = api.TemplateVersionVariable{Name: r.Name, Description: r.Description, Type: r.Type, Value: r.Value,
			DefaultValue: r.DefaultValue, Required: r.Required, Sensitive: r.Sensitive}
		if r.Sensitive {
			out[i].Value, out[i].DefaultValue = "", ""
		}
	}
	return out, nil
}

// Parameters lists what people fill in for a workspace of a version.
func (s *Service) Parameters(ctx context.Context, id api.ID) ([]api.TemplateVersionParameter, error) {
	v, err := s.version(ctx, rbac.Read, id)
	if err != nil {
		return nil, err
	}
	return ParametersOf(ctx, s.opts.DB.Queries, v.ID)
}

// ParametersOf returns the parameters of a version in the template's order.
func ParametersOf(ctx context.Context, q *database.Queries, version api.ID) ([]api.TemplateVersionParameter, error) {
	rows, err := q.ListTemplateVersionParameters(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("load parameters of template version %s: %w", version, err)
	}
	out := make([]api.TemplateVersionParameter, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Body, &out[i]); err != nil {
			return nil, fmt.Errorf("decode parameter %q of template version %s: %w", r.Name, version, err)
		}
	}
	return out, nil
}
