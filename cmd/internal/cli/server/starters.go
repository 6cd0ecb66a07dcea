package server

import (
	"fmt"
	"io/fs"

	"coder.internal/cmd/internal/cli/templates"
	"coder.internal/cmd/internal/serve"
)

// Starters lists the starter templates inside this binary for `templates init`.
func Starters() ([]templates.Starter, error) {
	list, err := serve.StarterTemplates()
	if err != nil {
		return nil, fmt.Errorf("read starter templates: %w", err)
	}
	out := make([]templates.Starter, 0, len(list))
	for _, e := range list {
		out = append(out, templates.Starter{ID: e.ID, Name: e.Name, Description: e.Description, Files: fs.FS(e.Files)})
	}
	return out, nil
}
