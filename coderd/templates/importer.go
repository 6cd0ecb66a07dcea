package templates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/jobs"
	"coder.internal/database"
)

// maxReadme bounds the readme of a version, in bytes.
const maxReadme = 256 << 10

// Importer returns the owner of import jobs, for jobs.Queue.SetCompleter.
func (s *Service) Importer() jobs.Completer { return importer{s} }

// importer implements jobs.Completer.
type importer struct{ s *Service }

// Work fills in an import: values of the push, then those of the template's
// active version, and made-up surroundings.
func (i importer) Work(ctx context.Context, q *database.Queries, row database.ProvisionerJob, job *jobrpc.Job) error {
	m, err := q.GetTemplateMetaOfVersion(ctx, row.SubjectID)
	if err != nil {
		return fmt.Errorf("load template version %s: %w", row.SubjectID, err)
	}
	values, err := i.s.inputs(ctx, q, m.ID)
	if err != nil {
		return err
	}
	if m.ActiveVersionID != nil && *m.ActiveVersionID != m.ID {
		given := len(values)
		if values, err = i.inherit(ctx, q, values, *m.ActiveVersionID); err != nil {
			return err
		}
		if len(values) > given {
			// Later attempts and the result see the same values, whatever version is
			// active by then.
			if err := i.s.putInputs(ctx, q, m.ID, values); err != nil {
				return err
			}
		}
	}
	meta := jobrpc.Meta{
		AccessURL:       i.s.opts.AccessURL.String(),
		Transition:      api.TransitionStart,
		WorkspaceID:     api.NewID(),
		WorkspaceName:   "preview",
		TemplateName:    m.TemplateName,
		TemplateVersion: m.VersionName,
		OwnerID:         m.UserID,
		OwnerName:       m.Username,
		OwnerFullName:   m.UserFullName,
		OwnerEmail:      m.Email,
		OwnerGroups:     []string{"Everyone"},
		OwnerRoles:      []jobrpc.OwnerRole{},
		OwnerLoginType:  api.LoginType(m.LoginType),
	}
	if m.TemplateID != nil {
		meta.TemplateID = *m.TemplateID
	}
	job.Import = &jobrpc.ImportWork{TemplateVersionID: m.ID, Variables: values, Meta: meta,
		Providers: i.s.opts.ExternalAuth.IDs()}
	return nil
}

// inherit adds the values of the active version that the push did not name and
// that are not just its defaults.
func (i importer) inherit(ctx context.Context, q *database.Queries, values []api.VariableValue, active api.ID) ([]api.VariableValue, error) {
	named := map[string]bool{}
	for _, v := range values {
		named[v.Name] = true
	}
	defaults := map[string]string{}
	rows, err := q.ListTemplateVersionVariables(ctx, active)
	if err != nil {
		return nil, fmt.Errorf("load variables of template version %s: %w", active, err)
	}
	for _, r := range rows {
		if !r.Required {
			defaults[r.Name] = r.DefaultValue
		}
	}
	old, err := VariablesOf(ctx, q, i.s.opts.Ring, active)
	if err != nil {
		return nil, err
	}
	for _, v := range old {
		def, has := defaults[v.Name]
		if named[v.Name] || (has && def == v.Value) || v.Value == "" {
			continue
		}
		values = append(values, v)
	}
	return values, nil
}

// SaveState does nothing: an import makes no resources.
func (importer) SaveState(context.Context, *database.Queries, database.ProvisionerJob, []byte) error {
	return nil
}

// Fail does nothing: the job itself tells what went wrong.
func (importer) Fail(context.Context, *database.Queries, database.ProvisionerJob, jobrpc.FailRequest) error {
	return nil
}

// Complete stores what the import found. What it reports is foreign input.
func (i importer) Complete(ctx context.Context, q *database.Queries, row database.ProvisionerJob, req jobrpc.CompleteRequest) error {
	if req.Import == nil {
		return errors.New("import without a result")
	}
	res := *req.Import
	n, err := q.SetTemplateVersionReadme(ctx, database.SetTemplateVersionReadmeParams{
		ID: row.SubjectID, Readme: jobs.CleanText(res.Readme, maxReadme)})
	if err != nil {
		return fmt.Errorf("store readme of template version %s: %w", row.SubjectID, err)
	}
	if n == 0 {
		return fmt.Errorf("template version %s is gone", row.SubjectID)
	}
	if err := i.storeVariables(ctx, q, row.SubjectID, res.Variables); err != nil {
		return err
	}
	if err := storeParameters(ctx, q, row.SubjectID, res.Parameters); err != nil {
		return err
	}
	if err := storeLanguage(ctx, q, row.SubjectID, res, i.s.opts.ExternalAuth.IDs()); err != nil {
		return err
	}
	keeps := agents.Persistence(agents.Addresses(res.Start), agents.Addresses(res.Stop))
	for _, p := range []agents.InsertParams{
		{JobID: row.ID, Transition: api.TransitionStart, Resources: res.Start, Persistent: keeps},
		{JobID: row.ID, Transition: api.TransitionStop, Resources: res.Stop, Persistent: keeps},
	} {
		if err := agents.InsertResources(ctx, q, p); err != nil {
			return err
		}
	}
	return nil
}

func (i importer) storeVariables(ctx context.Context, q *database.Queries, version api.ID, found []api.TemplateVersionVariable) error {
	if len(found) > maxVariables {
		return api.Invalid("variables", fmt.Sprintf("the template declares %d variables, at most %d are allowed.", len(found), maxVariables))
	}
	inputs, err := i.s.inputs(ctx, q, version)
	if err != nil {
		return err
	}
	given := map[string]string{}
	for _, v := range inputs {
		given[v.Name] = v.Value
	}
	seen := map[string]bool{}
	for n, f := range found {
		name := jobs.CleanText(f.Name, maxVarName)
		if name == "" || seen[name] {
			return api.Invalid("variables", fmt.Sprintf("variable names must be there and differ; %q does not.", jobs.CleanText(name, 64)))
		}
		seen[name] = true
		value, ok := given[f.Name]
		if !ok {
			value = jobs.CleanText(f.DefaultValue, maxValue)
		}
		if f.Sensitive {
			if value, err = sealText(i.s.opts.Ring, value); err != nil {
				return fmt.Errorf("seal variable %q of template version %s: %w", name, version, err)
			}
		}
		err := q.InsertTemplateVersionVariable(ctx, database.InsertTemplateVersionVariableParams{
			TemplateVersionID: version, Ordinal: int32(n), //nolint:gosec // bounded by maxVariables
			Name: name, Description: jobs.CleanText(f.Description, maxText), Type: jobs.CleanText(f.Type, maxText),
			Value: value, DefaultValue: jobs.CleanText(f.DefaultValue, maxValue), Required: f.Required, Sensitive: f.Sensitive})
		if err != nil {
			return fmt.Errorf("store variable %q of template version %s: %w", name, version, err)
		}
	}
	return nil
}

func storeParameters(ctx context.Context, q *database.Queries, version api.ID, found []api.TemplateVersionParameter) error {
	if len(found) > maxParameters {
		return api.Invalid("parameters", fmt.Sprintf("the template declares %d parameters, at most %d are allowed.", len(found), maxParameters))
	}
	seen, total := map[string]bool{}, 0
	for n, f := range found {
		p := cleanParameter(f)
		if p.Name == "" || seen[p.Name] {
			return api.Invalid("parameters", fmt.Sprintf("parameter names must be there and differ; %q does not.", jobs.CleanText(p.Name, 64)))
		}
		seen[p.Name] = true
		if err := checkParameter(p); err != nil {
			return err
		}
		body, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("encode parameter %q of template version %s: %w", p.Name, version, err)
		}
		if total += len(body); total > maxAllValues {
			return api.Invalid("parameters", fmt.Sprintf("all parameters together are larger than %d bytes.", maxAllValues))
		}
		err = q.InsertTemplateVersionParameter(ctx, database.InsertTemplateVersionParameterParams{
			TemplateVersionID: version, Ordinal: int32(n), //nolint:gosec // bounded by maxParameters
			Name: p.Name, Body: body})
		if err != nil {
			return fmt.Errorf("store parameter %q of template version %s: %w", p.Name, version, err)
		}
	}
	return nil
}

// checkParameter refuses what no form could show.
func checkParameter(p api.TemplateVersionParameter) error {
	switch p.Type {
	case "string", "number", "bool", "list(string)":
	default:
		return api.Invalid("parameters", fmt.Sprintf("parameter %q has the unknown type %q.", jobs.CleanText(p.Name, 64), jobs.CleanText(p.Type, 64)))
	}
	if len(p.Options) > maxParameters {
		return api.Invalid("parameters", fmt.Sprintf("parameter %q has %d options, at most %d are allowed.", jobs.CleanText(p.Name, 64), len(p.Options), maxParameters))
	}
	return nil
}

// cleanParameter makes every text of a reported parameter storable.
func cleanParameter(p api.TemplateVersionParameter) api.TemplateVersionParameter {
	for _, s := range []*string{&p.Name, &p.DisplayName, &p.Description, &p.DescriptionPlaintext, &p.Type, &p.FormType,
		&p.DefaultValue, &p.Icon, &p.ValidationError, &p.ValidationRegex, &p.ValidationMonotonic} {
		*s = jobs.CleanText(*s, maxText)
	}
	options := make([]api.TemplateVersionParameterOption, len(p.Options))
	for i, o := range p.Options {
		options[i] = api.TemplateVersionParameterOption{Name: jobs.CleanText(o.Name, maxText),
			Description: jobs.CleanText(o.Description, maxText), Value: jobs.CleanText(o.Value, maxText), Icon: jobs.CleanText(o.Icon, maxText)}
	}
	p.Options = options
	return p
}
