package agentrpc

import "coder.internal/api"

// PathLogSource takes a LogSource by POST. One that is there already stays as it is.
const PathLogSource = "/api/v2/workspaceagents/me/log-source"

// LogSource is a place that logs come from, beside the scripts of the template.
// The agent makes the ID.
type LogSource struct {
	ID          api.ID `json:"id"`
	DisplayName string `json:"display_name"`
	Icon        string `json:"icon"`
}
