package externalauth

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"coder.internal/api"
)

// Config is one provider as an administrator configures it. Empty fields take the
// defaults of its Type.
type Config struct {
	ID                  string
	Type                string
	ClientID            string
	ClientSecret        api.Secret
	AuthURL             string
	TokenURL            string
	ValidateURL         string
	RevokeURL           string
	DeviceFlow          bool
	DeviceCodeURL       string
	Scopes              []string
	NoRefresh           bool
	Regex               string
	APIBaseURL          string
	AppInstallURL       string
	AppInstallationsURL string
	DisplayName         string
	DisplayIcon         string
	ExtraTokenKeys      []string // fields of the token response to keep
	PKCEMethods         []string // S256 or none; empty is S256
}

const (
	maxProviders = 100
	maxField     = 2048
)

var validID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)

// provider is a Config with its defaults, checked.
type provider struct {
	Config
	match *regexp.Regexp // nil: for no URL
	plain bool           // reached without TLS, as a provider on the same machine may be
}

func (p *provider) pkce() bool { return !slices.Contains(p.PKCEMethods, "none") }

// newProviders checks a list of configurations. Errors name the field in the form
// of its variable, without the prefix.
func newProviders(list []Config) ([]*provider, error) {
	if len(list) > maxProviders {
		return nil, fmt.Errorf("%d providers are configured, at most %d are allowed", len(list), maxProviders)
	}
	var out []*provider
	for n, c := range list {
		p, err := newProvider(c)
		if err != nil {
			return nil, fmt.Errorf("provider %d: %w", n, err)
		}
		if slices.ContainsFunc(out, func(o *provider) bool { return strings.EqualFold(o.ID, p.ID) }) {
			return nil, fmt.Errorf("provider %d: ID %q is used twice", n, p.ID)
		}
		out = append(out, p)
	}
	return out, nil
}

func newProvider(c Config) (*provider, error) {
	c.Type = strings.ToLower(c.Type)
	if c.ID == "" {
		c.ID = c.Type
	}
	if !validID.MatchString(c.ID) {
		return nil, fmt.Errorf("ID %q must be 1 to 64 letters, digits, hyphens, dots and underscores, with a letter or digit first", c.ID)
	}
	if c.ClientID == "" {
		return nil, fmt.Errorf("CLIENT_ID of %q is missing", c.ID)
	}
	c = withDefaults(c)
	if err := c.checkURLs(); err != nil {
		return nil, err
	}
	if c.DeviceFlow && c.DeviceCodeURL == "" {
		return nil, fmt.Errorf("DEVICE_CODE_URL of %q is missing, and DEVICE_FLOW needs it", c.ID)
	}
	if c.ClientSecret == "" && !c.DeviceFlow {
		return nil, fmt.Errorf("CLIENT_SECRET of %q is missing; only DEVICE_FLOW works without", c.ID)
	}
	for _, m := range c.PKCEMethods {
		if m != "S256" && m != "none" {
			return nil, fmt.Errorf("PKCE_METHODS of %q: %q is not S256 or none", c.ID, m)
		}
	}
	p := &provider{Config: c, plain: strings.HasPrefix(c.AuthURL, "http://")}
	if c.Regex != "" {
		var err error
		// From the first character to the last of what is asked: a pattern must not
		// be found somewhere inside of another host's URL.
		if p.match, err = regexp.Compile(`^(?:` + c.Regex + `)$`); err != nil {
			return nil, fmt.Errorf("REGEX of %q is not a regular expression: %w", c.ID, err)
		}
	}
	return p, nil
}

func (c *Config) checkURLs() error {
	for _, f := range []struct{ name, text string }{{"AUTH_URL", c.AuthURL}, {"TOKEN_URL", c.TokenURL}} {
		if f.text == "" {
			return fmt.Errorf("%s of %q is missing, and the type %q has no default for it", f.name, c.ID, c.Type)
		}
	}
	for name, text := range map[string]string{"AUTH_URL": c.AuthURL, "TOKEN_URL": c.TokenURL, "VALIDATE_URL": c.ValidateURL,
		"REVOKE_URL": c.RevokeURL, "DEVICE_CODE_URL": c.DeviceCodeURL, "APP_INSTALL_URL": c.AppInstallURL,
		"APP_INSTALLATIONS_URL": c.AppInstallationsURL} {
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.Fragment != "" || len(text) > maxField {
			return fmt.Errorf("%s of %q must be a URL that starts with https:// or http://, without a user or fragment", name, c.ID)
		}
	}
	return nil
}

// Match returns whether a token of p may go to the server of target, a URL or its
// beginning as Git names it ("https://github.com"). The pattern must name the host
// from its first character; it may name more of the path, or less.
func (p *provider) matches(target string) bool {
	if p.match == nil || len(target) > maxField || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return false
	}
	text := target
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return false
	}
	// Not in clear over the network, unless the provider itself is reached so.
	if u.Scheme != "https" && (u.Scheme != "http" || !p.plain) {
		return false
	}
	rest := strings.ToLower(u.Host)
	for _, part := range append([]string{""}, strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")...) {
		if part != "" {
			rest += "/" + part
		}
		for _, candidate := range []string{rest, rest + "/", u.Scheme + "://" + rest, u.Scheme + "://" + rest + "/"} {
			if p.match.MatchString(candidate) {
				return true
			}
		}
	}
	return false
}
