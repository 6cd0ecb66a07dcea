package apps

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// HandleModes answers GET /applications/modes.
func (s *Service) HandleModes(context.Context, *struct{}) (*httpapi.Out[api.AppModes], error) {
	return httpapi.OK(api.AppModes{Modes: []api.AppMode{s.subdomainMode(), s.pathMode(), {Name: api.AppModePortForward, Enabled: true,
		Reason: "coder port-forward reaches every port of a workspace from a command line, where its template does not forbid that."}}}), nil
}

func (s *Service) subdomainMode() api.AppMode {
	m := api.AppMode{Name: api.AppModeSubdomain, Sharing: true}
	w := s.opts.Sites.Wildcard
	if m.Enabled = !w.IsZero(); !m.Enabled {
		m.Sharing = false
		m.Reason = "No --wildcard-access-url is set. With one, such as *.apps.example.com, every application and port has a host of its own, and can be shared."
		return m
	}
	m.URL = s.opts.Sites.Access.Scheme + "://" + w.Pattern(s.opts.Sites.Access)
	m.Reason = "--wildcard-access-url is set: every application and port has a host of its own."
	return m
}

func (s *Service) pathMode() api.AppMode {
	m := api.AppMode{Name: api.AppModePath}
	to := s.opts.Sites.PathURL
	switch {
	case s.opts.DisablePathApps:
		m.Reason = "--disable-path-apps is set."
	case to == nil && s.opts.Sites.Wildcard.IsZero():
		m.Reason = "No --path-apps-url is set. It is the origin of another host or port for applications and ports by path, where there is no wildcard; " +
			"they are never served beside the pages of this server."
	case to == nil:
		m.Reason = "No --path-apps-url is set. Paths on the access URL lead to the hosts that the wildcard gives."
	default:
		m.Enabled, m.URL, m.Sharing = true, to.Scheme+"://"+to.Host, s.opts.AllowPathSharing
		m.Reason = "--path-apps-url is set. Applications and ports there are of one origin, so each person opens their own alone."
		if m.Sharing {
			m.Reason = "--path-apps-url is set, and --dangerous-allow-path-app-sharing lets people open applications and ports of others there."
		}
	}
	return m
}
