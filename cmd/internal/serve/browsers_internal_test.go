package serve

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateBrowsers(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"":                                    func(*Config) {},
		"option --samesite-auth-cookie":       func(c *Config) { c.Session.SameSite = "none" },
		"option --host-prefix-cookie":         func(c *Config) { c.Session.HostPrefixCookie = true },
		`"max-age=5" is neither`:              func(c *Config) { c.STSOptions = []string{"preload", "max-age=5"} },
		"option --additional-csp-policy: \"x": func(c *Config) { c.AdditionalCSP = []string{"x"} },
	} {
		c := Config{Session: SessionConfig{SameSite: "lax"}}
		change(&c)
		err := c.validateBrowsers()
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		if c.Session.SameSite == "none" || c.Session.HostPrefixCookie {
			secure := c
			secure.AccessURL = &url.URL{Scheme: "https", Host: "coder.example"}
			require.NoError(t, secure.validateBrowsers())
			c.Session.SecureCookie = true
			require.NoError(t, c.validateBrowsers())
		}
	}
}
