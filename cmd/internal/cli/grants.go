package cli

import (
	"fmt"
	"strings"

	"coder.internal/api"
)

// Grants turns what --user and --group of access lists say, name[:role], into roles
// by id. Without a role it is "use"; with take, every entry is taken away.
func Grants(given []string, take bool, id func(name string) (api.ID, error)) (map[string]string, error) {
	out := map[string]string{}
	for _, g := range given {
		name, role, _ := strings.Cut(g, ":")
		switch {
		case take:
			role = api.RoleNone
		case role == "":
			role = api.RoleUse
		}
		found, err := id(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Inert(name), err)
		}
		out[found.String()] = role
	}
	return out, nil
}
