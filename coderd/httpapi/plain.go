package httpapi

import (
	"fmt"
	"strconv"
	"strings"
)

// plain says in our words what the library found wrong with a value. What it does
// not know it leaves as it is.
func plain(detail string) string {
	for _, r := range []struct{ before, after, say string }{
		{"expected required property ", " to be present", "this field is required."},
		{"unexpected property", "", "there is no such field."},
		{"expected value to be one of \"", "\"", "use one of %s."},
		{"expected array length <= ", "", "give at most %s entries."},
		{"expected array length >= ", "", "give at least %s entries."},
		{"expected array items to be unique", "", "an entry is there twice."},
		{"expected object with at most ", " properties", "give at most %s entries."},
		{"expected length <= ", "", "use at most %s characters."},
		{"expected length >= ", "", "use at least %s characters."},
		{"expected number <= ", "", "use a number of at most %s."},
		{"expected number >= ", "", "use a number of at least %s."},
		{"expected string to be RFC 3339 date-time", "", "use a time such as 2026-01-31T15:04:05Z."},
		{"expected string to be RFC 4122 uuid: ", "*", "use a UUID."},
		{"expected boolean", "", "use true or false."},
		{"expected integer", "", "use a whole number."},
		{"expected number", "", "use a number."},
		{"expected string", "", "use text."},
		{"expected array", "", "use a list."},
		{"expected object", "", "use an object."},
	} {
		rest, ok := strings.CutPrefix(detail, r.before)
		if !ok {
			continue
		}
		if r.after != "*" {
			if rest, ok = strings.CutSuffix(rest, r.after); !ok {
				continue
			}
		}
		if !strings.Contains(r.say, "%s") {
			if rest != "" && r.after == "" {
				continue // more is said than we know
			}
			return r.say
		}
		return fmt.Sprintf(r.say, choices(rest))
	}
	return detail
}

// choices quotes the empty value in a list, which could not be seen.
func choices(list string) string {
	items := strings.Split(list, ", ")
	for i, it := range items {
		if it == "" {
			items[i] = strconv.Quote(it)
		}
	}
	return strings.Join(items, ", ")
}
