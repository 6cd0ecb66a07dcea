// Package starter holds the templates that travel inside the server.
//
// It owns their files and what their front matter says. It never unpacks or
// imports them; that is the work of templates and of the provisioner.
package starter

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// FS has one directory per template, named by its id.
//
//go:embed host docker kubernetes
var FS embed.FS

// Example is a starter template.
type Example struct {
	ID          string
	Name        string
	Description string
	Icon        string
	Tags        []string
	Markdown    string // the README without its front matter
}

// List returns the templates, the trial's default first. It fails only if a
// README that was built in has no front matter.
func List() ([]Example, error) {
	var out []Example
	for _, id := range []string{"host", "docker", "kubernetes"} {
		b, err := fs.ReadFile(FS, id+"/README.md")
		if err != nil {
			return nil, fmt.Errorf("read starter template %s: %w", id, err)
		}
		e, err := parse(id, string(b))
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// parse reads the front matter: lines of "key: value" between two lines "---".
// tags is a list in brackets.
func parse(id, text string) (Example, error) {
	rest, ok := strings.CutPrefix(text, "---\n")
	head, body, found := strings.Cut(rest, "\n---\n")
	if !ok || !found {
		return Example{}, fmt.Errorf("starter template %s: README.md has no front matter", id)
	}
	e := Example{ID: id, Name: id, Markdown: strings.TrimLeft(body, "\n")}
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "display_name":
			e.Name = value
		case "description":
			e.Description = value
		case "icon":
			e.Icon = value
		case "tags":
			for tag := range strings.SplitSeq(strings.Trim(value, "[]"), ",") {
				e.Tags = append(e.Tags, strings.TrimSpace(tag))
			}
			slices.Sort(e.Tags)
		}
	}
	return e, nil
}
