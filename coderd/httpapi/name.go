package httpapi

import (
	"fmt"
	"regexp"
	"strings"

	"coder.internal/api"
)

// MaxName is the longest name of a user, template or workspace.
const MaxName = 32

var nameForm = regexp.MustCompile(`^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$`)

// CheckName returns the error of a name that users, templates and workspaces may
// not have, naming the JSON field: names are 1 to MaxName letters, digits and
// single hyphens, with a letter or digit at both ends. Reserved names differ by
// kind and are compared without case.
func CheckName(field, name string, reserved ...string) error {
	if name == "" {
		return api.Invalid(field, "a name is required.")
	}
	if len(name) > MaxName {
		return api.Invalid(field, fmt.Sprintf("%d characters are too many; use at most %d.", len(name), MaxName))
	}
	if !nameForm.MatchString(name) {
		return api.Invalid(field, "use letters, digits and single hyphens, starting and ending with a letter or digit.")
	}
	for _, r := range reserved {
		if strings.EqualFold(name, r) {
			return api.Invalid(field, fmt.Sprintf("%q is reserved; choose another name.", r))
		}
	}
	return nil
}
