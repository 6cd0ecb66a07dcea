package serve

import (
	"errors"
	"fmt"

	"coder.internal/site"
)

// secureCookies reports whether browsers send the session over TLS alone.
func (c *Config) secureCookies() bool {
	if c.Session.SecureCookie {
		return true
	}
	if c.AccessURL != nil {
		return c.AccessURL.Scheme == "https"
	}
	return c.TLS.Enable
}

// validateBrowsers checks what browsers are told.
func (c *Config) validateBrowsers() error {
	if c.Session.SameSite == "none" && !c.secureCookies() {
		return errors.New("option --samesite-auth-cookie: none needs cookies for https alone; set an --access-url of https, or --secure-auth-cookie")
	}
	if c.Session.HostPrefixCookie && !c.secureCookies() {
		return errors.New("option --host-prefix-cookie: it needs cookies for https alone; set an --access-url of https, or --secure-auth-cookie")
	}
	for _, o := range c.STSOptions {
		if o != "includeSubDomains" && o != "preload" {
			return fmt.Errorf("option --strict-transport-security-options: %q is neither includeSubDomains nor preload", o)
		}
	}
	if _, err := site.Policy(c.AdditionalCSP); err != nil {
		return fmt.Errorf("option --additional-csp-policy: %w", err)
	}
	return nil
}
