package option

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coder.internal/api"
)

// field adapts a pointer, a parser and a printer to Value.
type field[T any] struct {
	p     *T
	typ   string
	parse func(string) (T, error)
	show  func(T) string
}

func (f field[T]) Type() string   { return f.typ }
func (f field[T]) String() string { return f.show(*f.p) }
func (f field[T]) Set(text string) error {
	v, err := f.parse(text)
	if err != nil {
		return err
	}
	*f.p = v
	return nil
}

// String takes any text.
func String(p *string) Value {
	return field[string]{p, "string", func(s string) (string, error) { return s, nil }, func(s string) string { return s }}
}

// Secret takes any text and never shows it.
func Secret(p *api.Secret) Value {
	return field[api.Secret]{p, "string", func(s string) (api.Secret, error) { return api.Secret(s), nil },
		func(api.Secret) string { return "" }}
}

// Secrets takes a comma-separated list and never shows it.
func Secrets(p *[]api.Secret) Value {
	return field[[]api.Secret]{p, "string-array", func(s string) ([]api.Secret, error) {
		var out []api.Secret
		for _, v := range splitList(s) {
			out = append(out, api.Secret(v))
		}
		return out, nil
	}, func([]api.Secret) string { return "" }}
}

// Bool takes what strconv.ParseBool takes.
func Bool(p *bool) Value {
	return field[bool]{p, "bool", func(s string) (bool, error) {
		v, err := strconv.ParseBool(s)
		if err != nil {
			return false, fmt.Errorf("%q is not true or false", s)
		}
		return v, nil
	}, strconv.FormatBool}
}

// Int takes a whole number between lo and hi.
func Int(p *int, lo, hi int) Value {
	return field[int]{p, "int", func(s string) (int, error) {
		v, err := strconv.Atoi(s)
		if err != nil || v < lo || v > hi {
			return 0, fmt.Errorf("%q is not a whole number from %d to %d", s, lo, hi)
		}
		return v, nil
	}, strconv.Itoa}
}

// Duration takes Go's form plus d (24 h) and w (7 d), not negative.
func Duration(p *time.Duration) Value {
	return field[time.Duration]{p, "duration", ParseDuration, time.Duration.String}
}

// ParseDuration reads "90s", "1h30m", "7d", "2w".
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as 90s, 1h30m or 7d", s)
	units := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if n := len(s); n > 1 && units[s[n-1]] != 0 {
		v, err := strconv.ParseInt(s[:n-1], 10, 32)
		if err != nil || v < 0 || v > 36500 {
			return 0, bad
		}
		return time.Duration(v) * units[s[n-1]], nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return 0, bad
	}
	return v, nil
}

// URL takes an absolute http or https URL.
func URL(p **url.URL) Value {
	return field[*url.URL]{p, "url", func(s string) (*url.URL, error) {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, fmt.Errorf("%q is not a URL that starts with http:// or https://", s)
		}
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%q must have no user, query or fragment", u.Redacted())
		}
		u.Path = strings.TrimRight(u.Path, "/")
		return u, nil
	}, func(u *url.URL) string {
		if u == nil {
			return ""
		}
		return u.String()
	}}
}

// HostPort takes host:port; the host may be empty for all addresses.
func HostPort(p *string) Value {
	return field[string]{p, "host:port", func(s string) (string, error) {
		_, port, err := net.SplitHostPort(s)
		n, perr := strconv.Atoi(port)
		if err != nil || perr != nil || n < 0 || n > 65535 {
			return "", fmt.Errorf("%q is not an address and port such as 127.0.0.1:3000 or :3000", s)
		}
		return s, nil
	}, func(s string) string { return s }}
}

// Strings takes a comma-separated list.
func Strings(p *[]string) Value {
	return field[[]string]{p, "string-array", func(s string) ([]string, error) { return splitList(s), nil },
		func(v []string) string { return strings.Join(v, ",") }}
}

// Enum takes one of the choices.
func Enum(p *string, choices ...string) Value {
	return field[string]{p, strings.Join(choices, "|"), func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", fmt.Errorf("%q is not one of %s", s, strings.Join(choices, ", "))
		}
		return s, nil
	}, func(s string) string { return s }}
}

func splitList(s string) []string {
	var out []string
	for v := range strings.SplitSeq(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}
