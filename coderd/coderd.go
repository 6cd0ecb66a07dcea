// Package coderd is the control plane behind one http.Handler: it puts the slices
// below it on their routes (routes.go has all of them on one page).
//
// It owns no data and no policy, starts nothing, and never listens.
package coderd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/connectionlog"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/downloads"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/health"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/quota"
	"coder.internal/coderd/replicas"
	"coder.internal/coderd/templates"
	"coder.internal/coderd/users"
	"coder.internal/coderd/workspaces"
	"coder.internal/internal/buildinfo"
)

// Options configure New. A nil field but Limiter is an error.
type Options struct {
	Log        *slog.Logger
	Deployment Deployment
	Auth       *auth.Service
	Users      *users.Service
	Audit      *audit.Service
	Templates  *templates.Service
	Agents     *agents.Service
	Workspaces *workspaces.Service
	Downloads  *downloads.Service
	Jobs       *jobs.Queue
	// ExternalAuth signs users in to services outside.
	ExternalAuth *externalauth.Service
	DevURL       *devurl.Service
	Apps         *apps.Service
	Health       *health.Service
	Replicas     *replicas.Service
	Quota        *quota.Service
	Connections  *connectionlog.Service
	// Metrics takes the request metrics.
	Metrics prometheus.Registerer
	// Limiter bounds how often routes are asked; nil is no limit.
	Limiter httpapi.Limiter
}

// Deployment is what clients are told about this installation.
type Deployment struct {
	// ID comes from DeploymentID.
	ID        api.ID
	AccessURL *url.URL
	// HostPrefixCookie lets only cookies count whose name begins with __Host-.
	HostPrefixCookie bool
	// AppHost is the pattern of the hosts of applications; empty where there are none.
	AppHost string
	// PathAppURL is the origin of applications by path; empty is the access URL, which
	// leads to where they are.
	PathAppURL string
	// SSHHostnamePrefix and SSHHostnameSuffix name workspaces in SSH configs.
	SSHHostnamePrefix string
	SSHHostnameSuffix string
	SSHConfigOptions  map[string]string
	// Options are those of this replica, without what secret ones hold, and Config
	// their values in sections.
	Options []api.DeploymentOption
	Config  map[string]any
	// Swagger serves the page of the API below /swagger too.
	Swagger bool
}

// validate names every missing part.
func (o Options) validate() error {
	var missing []string
	need := func(name string, absent bool) {
		if absent {
			missing = append(missing, name)
		}
	}
	need("Log", o.Log == nil)
	need("Deployment.ID", o.Deployment.ID.IsZero())
	need("Deployment.AccessURL", o.Deployment.AccessURL == nil)
	need("Auth", o.Auth == nil)
	need("Users", o.Users == nil)
	need("Audit", o.Audit == nil)
	need("Templates", o.Templates == nil)
	need("Agents", o.Agents == nil)
	need("Workspaces", o.Workspaces == nil)
	need("Downloads", o.Downloads == nil)
	need("Jobs", o.Jobs == nil)
	need("ExternalAuth", o.ExternalAuth == nil)
	need("DevURL", o.DevURL == nil)
	need("Apps", o.Apps == nil)
	need("Health", o.Health == nil)
	need("Replicas", o.Replicas == nil)
	need("Quota", o.Quota == nil)
	need("Connections", o.Connections == nil)
	need("Metrics", o.Metrics == nil)
	if len(missing) > 0 {
		return fmt.Errorf("coderd: Options needs %s", strings.Join(missing, ", "))
	}
	return nil
}

// Server is the control plane. Use New.
type Server struct {
	opts    Options
	api     *httpapi.API
	handler http.Handler
}

// New returns a Server with all routes.
func New(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.Log = o.Log.With("component", "coderd")
	s := &Server{opts: o}
	pages := httpmw.NewPages(o.Deployment.AccessURL, o.Deployment.HostPrefixCookie)
	people := httpmw.Session(o.Auth, pages)
	router := s.register(people, httpmw.AgentToken(o.Agents), httpmw.DaemonCredential(o.Jobs, people))
	s.handler = httpmw.Base(o.Log, httpmw.Policies(pages.Guard(router)))
	return s, nil
}

// Handler serves /api/v2, /healthz and /readyz; other paths get a 404 in JSON.
func (s *Server) Handler() http.Handler { return s.handler }

// Routes returns every route with its rule.
func (s *Server) Routes() []httpapi.Route { return s.api.Routes() }

// register puts all routes on a new router. It touches no service, so that
// Describe can call it without any.
func (s *Server) register(session, agent, daemon httpapi.Guard) chi.Router {
	router := chi.NewRouter()
	if s.opts.Metrics != nil { // Describe has none
		router.Use(httpmw.Metrics(s.opts.Metrics))
	}
	router.Use(middleware.GetHead) // balancers ask for /healthz so
	s.api = httpapi.New(router, httpapi.Options{
		Version: buildinfo.Version(), Log: s.opts.Log, Session: session, Agent: agent, Daemon: daemon, Limiter: s.opts.Limiter,
	})
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.api.WriteError(w, r, &api.Error{Code: api.CodeNotFound, Message: "There is no such route: " + r.Method + " " + r.URL.Path + "."})
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteJSON(w, http.StatusMethodNotAllowed, &api.Error{Code: api.CodeInvalid, Message: "This route does not take this method."})
	})
	s.routes(s.api)
	return router
}

// Describe returns the OpenAPI document of all routes without a running server, as
// their Go types have it. A raw route that rawRoutes does not describe, or the other
// way round, is an error that names it.
func Describe() ([]byte, error) {
	s := &Server{opts: Options{Log: slog.New(slog.DiscardHandler)}}
	refuse := func(*http.Request) (context.Context, error) { return nil, errors.New("no server") }
	s.register(refuse, refuse, refuse)
	doc, missing, strange := s.api.Document(rawRoutes())
	if len(missing)+len(strange) > 0 {
		return nil, fmt.Errorf("rawroutes.go: not described: %q; no such routes: %q", missing, strange)
	}
	return doc.MarshalJSON()
}
