package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"coder.internal/api"
)

// Terms reads a search of the form `key:value key:"two words"`. Keys are not told
// apart by case; each may be given once, and only those of known. Errors name the
// parameter q.
func Terms(q string, known ...string) (map[string]string, error) {
	out := map[string]string{}
	for rest := strings.TrimSpace(q); rest != ""; rest = strings.TrimSpace(rest) {
		key, after, ok := strings.Cut(rest, ":")
		if !ok || strings.ContainsAny(key, " \t\"") {
			word, _, _ := strings.Cut(rest, " ")
			return nil, api.Invalid("q", fmt.Sprintf("%.32q is not of the form key:value; keys are %s.", word, strings.Join(known, ", ")))
		}
		key = strings.ToLower(key)
		if !slices.Contains(known, key) {
			return nil, api.Invalid("q", fmt.Sprintf("filter %.32q is unknown; use %s.", key, strings.Join(known, ", ")))
		}
		if _, twice := out[key]; twice {
			return nil, api.Invalid("q", fmt.Sprintf("%s is given twice.", key))
		}
		var value string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			if value, rest, ok = strings.Cut(quoted, `"`); !ok {
				return nil, api.Invalid("q", key+": a quote is not closed.")
			}
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		if value == "" {
			return nil, api.Invalid("q", key+": give a value.")
		}
		out[key] = value
	}
	return out, nil
}

// TermTime reads a time of a search: a day (of UTC) or RFC 3339. With end a day
// means the end of it. Nil for an absent one.
func TermTime(terms map[string]string, key string, end bool) (*time.Time, error) {
	text, ok := terms[key]
	if !ok {
		return nil, nil //nolint:nilnil // absent is not wrong
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return &day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 1970 || at.Year() > 9000 {
		return nil, api.Invalid("q", key+": use a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z.")
	}
	return &at, nil
}

// TermID reads an id of a search; zero for an absent one.
func TermID(terms map[string]string, key string) (api.ID, error) {
	text, ok := terms[key]
	if !ok {
		return api.ID{}, nil
	}
	id, err := api.ParseID(text)
	if err != nil {
		return id, api.Invalid("q", key+": "+err.Error()+".")
	}
	return id, nil
}
