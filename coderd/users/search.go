package users

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// filter is what a search asks for. Zero values ask for nothing.
type filter struct {
	search, name                string
	statuses, loginTypes, roles []string
	seenBefore, seenAfter       *time.Time
	createdBefore, createdAfter *time.Time
	github                      int64
	service                     *bool
}

const filterNames = "status, role, login_type, name, last_seen_before, last_seen_after, created_before, created_after, github_com_user_id or service_account"

// parseQuery reads words and key:value pairs, both maybe in double quotes. status,
// role and login_type take a list with commas; a bare word searches usernames, full
// names and addresses.
func parseQuery(q string) (filter, error) {
	f := filter{statuses: []string{}, loginTypes: []string{}, roles: []string{}}
	words, err := splitQuery(q)
	if err != nil {
		return f, err
	}
	var bare []string
	for _, w := range words {
		if w.key == "" {
			bare = append(bare, w.value)
			continue
		}
		if err := f.set(w.key, w.value); err != nil {
			return f, err
		}
	}
	if f.search == "" {
		f.search = strings.Join(bare, " ")
	} else if len(bare) > 0 {
		f.search += " " + strings.Join(bare, " ")
	}
	return f, nil
}

func (f *filter) set(key, value string) (err error) {
	switch key {
	case "status":
		f.statuses, err = oneOf(key, value, "active", "dormant", "suspended")
	case "login_type":
		f.loginTypes, err = oneOf(key, value, "password", "none", "oidc", "github")
	case "role":
		f.roles = strings.Split(strings.ToLower(value), ",")
		if slices.Contains(f.roles, rbac.RoleMember) {
			f.roles = []string{} // everybody is one
		}
	case "name":
		f.name = value
	case "search":
		f.search = value
	case "last_seen_before":
		f.seenBefore, err = parseTime(key, value)
	case "last_seen_after":
		f.seenAfter, err = parseTime(key, value)
	case "created_before":
		f.createdBefore, err = parseTime(key, value)
	case "created_after":
		f.createdAfter, err = parseTime(key, value)
	case "github_com_user_id":
		if f.github, err = strconv.ParseInt(value, 10, 64); err != nil || f.github < 1 {
			return api.Invalid("q", "github_com_user_id is a positive number.")
		}
	case "service_account":
		on, perr := strconv.ParseBool(value)
		if perr != nil {
			return api.Invalid("q", "service_account is true or false.")
		}
		f.service = &on
	default:
		return api.Invalid("q", fmt.Sprintf("filter %.32q is unknown; use %s.", key, filterNames))
	}
	return err
}

func oneOf(key, value string, known ...string) ([]string, error) {
	values := strings.Split(strings.ToLower(value), ",")
	for _, v := range values {
		if !slices.Contains(known, v) {
			return nil, api.Invalid("q", fmt.Sprintf("%s %.32q is unknown; use %s.", key, v, strings.Join(known, ", ")))
		}
	}
	return values, nil
}

// parseTime takes RFC 3339, or a day, which begins in UTC.
func parseTime(key, value string) (*time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, strings.ToUpper(value)); err == nil {
			return &t, nil
		}
	}
	return nil, api.Invalid("q", fmt.Sprintf("%s %.40q is no time; write 2026-01-31T15:04:05Z or 2026-01-31.", key, value))
}

type word struct{ key, value string }

// splitQuery cuts at spaces outside of quotes and at the first colon of a word.
func splitQuery(q string) ([]word, error) {
	var words []word
	var key, text strings.Builder
	quoted, hasKey, begun := false, false, false
	end := func() {
		if begun {
			words = append(words, word{key: strings.ToLower(key.String()), value: text.String()})
		}
		key.Reset()
		text.Reset()
		hasKey, begun = false, false
	}
	for _, r := range q {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case unicode.IsSpace(r) && !quoted:
			end()
		case r == ':' && !quoted && !hasKey && text.Len() > 0:
			key.WriteString(text.String())
			text.Reset()
			hasKey = true
		default:
			text.WriteRune(r)
			begun = true
		}
	}
	if quoted {
		return nil, api.Invalid("q", "a quotation mark has no partner; close it.")
	}
	end()
	for _, w := range words {
		if w.key != "" && w.value == "" {
			return nil, api.Invalid("q", fmt.Sprintf("%.32q needs a value behind the colon.", w.key))
		}
	}
	return words, nil
}
