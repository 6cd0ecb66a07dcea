package templates

import (
	"fmt"
	"io/fs"

	"coder.internal/api"
	"coder.internal/coderd/templates/starter"
)

// Starters returns the starter templates of this release, for Options.Examples.
func Starters() ([]Example, error) {
	list, err := starter.List()
	if err != nil {
		return nil, fmt.Errorf("read starter templates: %w", err)
	}
	out := make([]Example, len(list))
	for i, e := range list {
		files, err := fs.Sub(starter.FS, e.ID)
		if err != nil {
			return nil, fmt.Errorf("read starter template %s: %w", e.ID, err)
		}
		out[i] = Example{Files: files, TemplateExample: api.TemplateExample{ID: e.ID, Name: e.Name,
			Description: e.Description, Icon: e.Icon, Tags: e.Tags, Markdown: e.Markdown}}
	}
	return out, nil
}
