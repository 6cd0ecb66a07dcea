package server

import (
	"fmt"

	"coder.internal/cmd/internal/cli/templates"
	planetemplates "coder.internal/coderd/templates"
)

// Starters lists the starter templates inside this binary for `templates init`.
func Starters() ([]templates.Starter, error) {
	list, err := planetemplates.Starters()
	if err != nil {
		return nil, fmt.Errorf("read starter templates: %w", err)
	}
	out := make([]templates.Starter, 0, len(list))
	for _, e := range list {
		out = append(out, templates.Starter{ID: e.ID, Name: e.Name, Description: e.Description, Files: e.Files})
	}
	return out, nil
}
