package workspaces

import (
	"encoding/json"
	"fmt"
	"maps"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// tagsOf returns the tags of a job that works with a version: those of the
// version's own job, then its workspace tags as the import found them, with the
// values of parameters in place of their defaults, then those that the template
// has with these values.
func tagsOf(v database.GetVersionForBuildRow, parameters []api.ParameterValue, evaluated map[string]string) (map[string]string, error) {
	tags := map[string]string{}
	if err := json.Unmarshal(v.JobTags, &tags); err != nil {
		return nil, fmt.Errorf("decode tags of version %s: %w", v.TemplateVersion.ID, err)
	}
	var found []jobrpc.WorkspaceTag
	if err := json.Unmarshal(v.TemplateVersion.WorkspaceTags, &found); err != nil {
		return nil, fmt.Errorf("decode workspace tags of version %s: %w", v.TemplateVersion.ID, err)
	}
	values := valueMap(parameters)
	for _, t := range found {
		tags[t.Key] = t.Value
		if value, ok := values[t.Parameter]; ok && t.Parameter != "" {
			tags[t.Key] = value
		}
	}
	maps.Copy(tags, evaluated)
	return tags, nil
}
