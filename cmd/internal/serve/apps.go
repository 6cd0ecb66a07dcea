package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"coder.internal/cmd/internal/option"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/devurl"
	"coder.internal/internal/clock"
)

func appOptions(c *Config) option.Set {
	const g = "Networking: applications"
	return option.Set{
		{Flag: "wildcard-access-url", Env: "CODER_WILDCARD_ACCESS_URL", YAML: "networking.wildcardAccessURL", Group: g, Value: option.String(&c.Apps.Wildcard),
			Doc: "Host names of applications, as *.apps.example.com or *--apps.example.com: each has an origin of its own. The names must lead here, and the certificate hold for them."},
		{Flag: "path-apps-url", Env: "CODER_PATH_APPS_URL", YAML: "networking.pathAppsURL", Group: g, Value: option.URL(&c.Apps.PathURL),
			Doc: "Origin for applications by path, where there is no wildcard: another host, or another port, than that of the access URL."},
		{Flag: "path-apps-address", Env: "CODER_PATH_APPS_ADDRESS", YAML: "networking.pathAppsAddress", Group: g, Value: optionalHostPort(&c.Apps.PathAddress),
			Doc: "One more address of plain HTTP, which serves applications alone; for --path-apps-url with a port of its own. Empty is none."},
		{Flag: "disable-path-apps", Env: "CODER_DISABLE_PATH_APPS", YAML: "disablePathApps", Group: g, Value: option.Bool(&c.Apps.DisablePath),
			Doc: "Refuse applications by path; those on hosts of their own stay."},
		{Flag: "dangerous-allow-path-app-sharing", Env: "CODER_DANGEROUS_ALLOW_PATH_APP_SHARING", Group: g, Value: option.Bool(&c.Apps.AllowPathSharing),
			Doc: "Let levels of sharing count for applications by path. They are of one origin: whoever opens somebody else's lets it act on their own."},
		{Flag: "dangerous-allow-path-app-site-owner-access", Env: "CODER_DANGEROUS_ALLOW_PATH_APP_SITE_OWNER_ACCESS", Group: g, Value: option.Bool(&c.Apps.AllowPathOwners),
			Doc: "Let owners of the deployment open applications of others by path."},
		{Flag: "proxy-trusted-headers", Env: "CODER_PROXY_TRUSTED_HEADERS", YAML: "networking.proxyTrustedHeaders", Group: g, Value: option.Strings(&c.Apps.TrustedHeaders),
			Doc: "Headers in which trusted proxies name the address of the client, such as X-Forwarded-For."},
		{Flag: "proxy-trusted-origins", Env: "CODER_PROXY_TRUSTED_ORIGINS", YAML: "networking.proxyTrustedOrigins", Group: g, Value: option.Strings(&c.Apps.TrustedOrigins),
			Doc: "Addresses or networks of the proxies whose headers count."},
	}
}

// sites reads where applications are. Without an access URL it checks the options
// alone.
func (c *AppsConfig) sites(access *url.URL) (devurl.Sites, error) {
	out := devurl.Sites{Access: access}
	if access == nil {
		out.Access = &url.URL{Scheme: "http"}
	}
	if c.Wildcard != "" {
		var err error
		if out.Wildcard, err = devurl.ParseWildcard(c.Wildcard); err != nil {
			return out, fmt.Errorf("option --wildcard-access-url: %w", err)
		}
	}
	if c.PathURL == nil && c.PathAddress != "" {
		return out, errors.New("option --path-apps-address: set --path-apps-url to the URL under which browsers reach it")
	}
	if err := out.Validate(); err != nil {
		return out, fmt.Errorf("option --wildcard-access-url: %w", err)
	}
	out.PathURL = c.PathURL
	if err := out.Validate(); err != nil {
		return out, fmt.Errorf("option --path-apps-url: %w", err)
	}
	return out, nil
}

func (s *Server) buildApps(_ context.Context, p *slices) error {
	sites, err := s.cfg.Apps.sites(s.accessURL)
	if err != nil {
		return err
	}
	c := s.cfg.Apps
	p.apps, err = apps.New(apps.Options{DB: s.db, PubSub: p.pubsub, Log: s.log, Clock: clock.Real(), Ring: p.ring, Auth: p.auth,
		Agents: p.agents, Workspaces: p.workspaces, Sites: sites, DisablePathApps: c.DisablePath,
		AllowPathSharing: c.AllowPathSharing, AllowPathOwners: c.AllowPathOwners})
	if err != nil {
		return err
	}
	p.proxy, err = devurl.NewProxy(devurl.ProxyOptions{Log: s.log, Clock: clock.Real(), Apps: p.apps, Streams: p.streams, Sites: sites})
	return err
}

// appHost is the pattern that clients are told.
func (s *Server) appHost() string {
	sites, err := s.cfg.Apps.sites(s.accessURL)
	if err != nil || sites.Wildcard.IsZero() {
		return ""
	}
	return sites.Wildcard.Pattern(s.accessURL)
}

// pathAppURL is the origin of the path form, if there is one.
func (s *Server) pathAppURL() string {
	if u := s.cfg.Apps.PathURL; u != nil {
		return u.Scheme + "://" + u.Host
	}
	return ""
}

// splitPlain serves applications on the HTTP listener, or sends them to HTTPS where
// the pages are sent there too.
func (s *Server) splitPlain(proxy *devurl.Proxy, next http.Handler) http.Handler {
	if !s.cfg.TLS.Enable || !s.cfg.TLS.RedirectHTTP || s.accessURL.Scheme != "https" {
		return proxy.Split(next)
	}
	return proxy.SplitPlain(next)
}
