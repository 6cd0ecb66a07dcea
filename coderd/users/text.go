package users

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"coder.internal/api"
)

// checkText refuses control characters and more than limit characters.
func checkText(field, value string, limit int) error {
	if utf8.RuneCountInString(value) > limit {
		return api.Invalid(field, fmt.Sprintf("use at most %d characters.", limit))
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return api.Invalid(field, "control characters are not allowed.")
	}
	return nil
}

// checkIcon takes a path of this site or an address on the web.
func checkIcon(field, value string) error {
	if err := checkText(field, value, 256); err != nil || value == "" {
		return err
	}
	u, err := url.Parse(value)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	if err == nil && u.Scheme == "" && strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") {
		return nil
	}
	return api.Invalid(field, "must be a path that starts with / or an http or https URL.")
}
