package serve

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"coder.internal/api"
	"coder.internal/coderd"
	"coder.internal/coderd/agentconn"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/connectionlog"
	"coder.internal/coderd/coordinator"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/downloads"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/health"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/quota"
	"coder.internal/coderd/rendezvous"
	"coder.internal/coderd/templates"
	"coder.internal/coderd/users"
	"coder.internal/coderd/workspaces"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/derp/mapfeed"
	"coder.internal/derp/relay"
	"coder.internal/internal/buildinfo"
	"coder.internal/internal/clock"
	"coder.internal/internal/lifecycle"
	"coder.internal/internal/memory"
	"coder.internal/internal/password"
	"coder.internal/site"
)

// openDatabase starts the built-in Postgres where no URL is given, connects and
// migrates. A new cluster may not be on disk yet: see settleDatabase.
func (s *Server) openDatabase(ctx context.Context) error {
	dsn := s.cfg.PostgresURL.Reveal()
	if dsn == "" {
		pg, err := BuiltinPostgres(s.cfg.ConfigDir, s.cfg.CacheDir, s.cfg.PostgresUser, s.log)
		if err != nil {
			return err
		}
		if dsn, err = pg.Begin(ctx); err != nil {
			return err
		}
		s.postgres = pg
	}
	db, err := database.Open(ctx, dsn, database.Options{MaxOpen: s.cfg.PostgresMaxOpen, Log: s.log})
	if err != nil {
		return err
	}
	s.db = db
	return db.Migrate(ctx)
}

// settleDatabase waits until what is written to a new built-in cluster lasts.
func (s *Server) settleDatabase(ctx context.Context) error {
	if s.postgres == nil {
		return nil
	}
	return s.postgres.Settle(ctx)
}

// slices are the parts of the control plane, lower ones first.
type slices struct {
	pubsub      *pubsub.PubSub
	ring        *keys.Ring
	auth        *auth.Service
	users       *users.Service
	audit       *audit.Service
	connections *connectionlog.Service
	external    *externalauth.Service
	jobs        *jobs.Queue
	coordinator *coordinator.Coordinator
	rendezvous  *rendezvous.Service
	relay       *relay.Relay  // nil when it is off
	feed        *mapfeed.Feed // nil without a URL of relays
	node        *ownNode
	streams     *agentconn.Streams
	agents      *agents.Service
	templates   *templates.Service
	workspaces  *workspaces.Service
	downloads   *downloads.Service
	devurl      *devurl.Service
	apps        *apps.Service
	proxy       *devurl.Proxy // of applications
}

// build makes every part and gives the listeners their handlers.
func (s *Server) build(ctx context.Context) (err error) {
	var p slices
	defer func() {
		if err != nil && p.relay != nil {
			p.relay.Close() // it will not Run
		}
	}()
	p.pubsub = pubsub.New(s.db, s.log)
	for _, step := range []func(context.Context, *slices) error{
		s.buildKeys, s.buildPeople, s.buildNetwork, s.buildJobs, s.buildNouns, s.buildDevURL, s.buildApps, s.buildHandlers,
	} {
		if err := step(ctx, &p); err != nil {
			return err
		}
	}
	s.queue = p.jobs
	s.parts = []lifecycle.Part{
		{Name: "pubsub", Run: p.pubsub.Run, Ready: p.pubsub.Ready()},
		{Name: "jobs", Run: p.jobs.Run},
		{Name: "rendezvous", Run: p.rendezvous.Run, Ready: p.rendezvous.Ready()},
		{Name: "coordinator", Run: p.coordinator.Run},
		{Name: "agents", Run: p.agents.Run},
	}
	cleaner, err := s.newRetention(p.audit, p.connections, p.agents, p.apps, p.users)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, lifecycle.Part{Name: "retention", Run: cleaner.Run})
	if p.relay != nil {
		s.parts = append(s.parts, lifecycle.Part{Name: "relay", Run: p.relay.Run})
	}
	if p.feed != nil {
		s.parts = append(s.parts, lifecycle.Part{Name: "relay map", Run: p.feed.Run})
	}
	s.parts = append(s.parts, lifecycle.Part{Name: "node", Run: p.node.Run}, lifecycle.Part{Name: "streams", Run: p.streams.Run},
		lifecycle.Part{Name: "devurl", Run: p.devurl.Run}, lifecycle.Part{Name: "apps", Run: p.proxy.Run})
	keeper, err := memory.New(memory.Options{Clock: clock.Real(), Burst: worthCollecting})
	if err != nil {
		return err
	}
	s.parts = append(s.parts, lifecycle.Part{Name: "memory", Run: keeper.Run})
	return nil
}

// worthCollecting is a burst of work, in bytes allocated: a sign-in is one.
const worthCollecting = 16 << 20

func (s *Server) buildKeys(ctx context.Context, p *slices) (err error) {
	if len(s.cfg.EncryptionKeys) > 0 {
		var encoded []string
		for _, k := range s.cfg.EncryptionKeys {
			encoded = append(encoded, k.Reveal())
		}
		raw, err := keys.ParseKeys(encoded)
		if err != nil {
			return fmt.Errorf("option --external-token-encryption-keys: %w", err)
		}
		p.ring, err = keys.NewRing(raw...)
		if err != nil {
			return fmt.Errorf("option --external-token-encryption-keys: %w", err)
		}
	} else if p.ring, err = keys.LoadRing(keyFile(s.cfg.ConfigDir)); err != nil {
		return err
	}
	dataDir := ""
	if s.postgres != nil {
		dataDir = s.postgres.DataDir()
	}
	return checkRing(ctx, s.db, p.ring, dataDir)
}

func (s *Server) buildPeople(_ context.Context, p *slices) (err error) {
	hasher := password.New(passwordWorkers())
	p.auth, err = auth.New(auth.Options{DB: s.db, Passwords: hasher, Log: s.log, Config: auth.Config{
		SessionDuration:       s.cfg.Session.Duration,
		DisableSessionRefresh: s.cfg.Session.DisableRefresh,
		DisablePasswordAuth:   s.cfg.Session.DisablePassword,
		DefaultTokenLifetime:  s.cfg.Session.DefaultTokenLifetime,
		MaxTokenLifetime:      s.cfg.Session.MaxTokenLifetime,
		MaxAdminTokenLifetime: s.cfg.Session.MaxAdminTokenLifetime,
		Deployment:            s.cfg.Rights,
		SecureCookies:         s.cfg.secureCookies(),
		CrossSiteCookies:      s.cfg.Session.SameSite == "none",
		HostPrefixCookie:      s.cfg.Session.HostPrefixCookie,
	}})
	if err != nil {
		return err
	}
	p.users, err = users.New(users.Options{DB: s.db, Passwords: hasher, Ring: p.ring, Log: s.log,
		Clock: clock.Real(), QuietHours: users.QuietHours{Default: s.cfg.QuietHours.Default, Locked: s.cfg.QuietHours.Default != "" && !s.cfg.QuietHours.AllowCustom}})
	if err != nil {
		return err
	}
	if p.audit, err = audit.NewService(s.db); err != nil {
		return err
	}
	if p.connections, err = connectionlog.New(s.db); err != nil {
		return err
	}
	p.external, err = externalauth.New(externalauth.Options{DB: s.db, PubSub: p.pubsub, Ring: p.ring, Log: s.log, Clock: clock.Real(),
		AccessURL: s.accessURL, Providers: s.cfg.ExternalAuth})
	return err
}

// shortPSK is the length in bytes below which a pre-shared key is warned about.
const shortPSK = 20

func (s *Server) buildJobs(ctx context.Context, p *slices) (err error) {
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		org, err := users.EnsureDefaultOrganization(ctx, q)
		s.defaultOrg = org.ID
		return err
	})
	if err != nil {
		return err
	}
	if n := len(s.cfg.Provisioner.PSK); n > 0 && n < shortPSK {
		s.log.Warn("the pre-shared key of provisioner daemons is short enough to be guessed; make one with: openssl rand -hex 32",
			"component", "jobs", "bytes", n)
	}
	p.jobs, err = jobs.New(jobs.Options{DB: s.db, PubSub: p.pubsub, Log: s.log, Clock: clock.Real(), Ring: p.ring,
		ForceCancelAfter: s.cfg.Provisioner.ForceCancel, PSK: s.cfg.Provisioner.PSK})
	return err
}

func (s *Server) buildNouns(_ context.Context, p *slices) (err error) {
	access := s.accessURL.String()
	identities, err := s.identities()
	if err != nil {
		return err
	}
	p.node = newOwnNode(s, p)
	p.streams, err = agentconn.New(agentconn.Options{Log: s.log, Clock: clock.Real(), Tunnel: p.node, Ask: p.coordinator.AskStreams})
	if err != nil {
		return err
	}
	p.agents, err = agents.New(agents.Options{DB: s.db, PubSub: p.pubsub, Log: s.log, Clock: clock.Real(),
		Coordinator: coderd.Coordinate(p.coordinator), Dialer: p.streams.Ports(), Streams: p.streams, Ring: p.ring, AccessURL: access, AppHost: s.appHost(),
		RelayMap: s.relayMap, HostnameSuffix: s.cfg.SSH.HostnameSuffix, Identities: identities})
	if err != nil {
		return err
	}
	examples, err := templates.Starters()
	if err != nil {
		return err
	}
	p.templates, err = templates.New(templates.Options{DB: s.db, Jobs: p.jobs, Ring: p.ring, Log: s.log,
		AccessURL: s.accessURL, Examples: examples, ExternalAuth: p.external, Clock: clock.Real()})
	if err != nil {
		return err
	}
	p.workspaces, err = workspaces.New(workspaces.Options{DB: s.db, PubSub: p.pubsub, Log: s.log, Clock: clock.Real(),
		Jobs: p.jobs, Templates: p.templates, ExternalAuth: p.external, Ring: p.ring, AccessURL: access, AllowRenames: s.cfg.AllowWorkspaceRenames})
	if err != nil {
		return err
	}
	p.jobs.SetCompleter(api.JobTemplateVersionImport, p.templates.Importer())
	p.jobs.SetCompleter(api.JobWorkspaceBuild, p.workspaces)
	p.jobs.SetCompleter(api.JobTemplateVersionDryRun, p.workspaces.Planner())
	p.downloads, err = downloads.New(downloads.Options{Log: s.log, CacheDir: s.cfg.CacheDir, AccessURL: access})
	return err
}

func (s *Server) buildDevURL(_ context.Context, p *slices) (err error) {
	p.devurl, err = devurl.New(devurl.Options{Log: s.log, Clock: clock.Real(), Resolver: p.agents, Dialer: p.streams.Ports()})
	return err
}

func (s *Server) buildHandlers(ctx context.Context, p *slices) error {
	id, err := coderd.DeploymentID(ctx, s.db)
	if err != nil {
		return err
	}
	sshOptions := map[string]string{}
	for _, o := range s.cfg.SSH.Options {
		k, v, _ := splitSSHOption(o) // checked by Validate
		sshOptions[k] = v
	}
	healthService, err := health.New(health.Options{DB: s.db, AccessURL: s.accessURL, Log: s.log, Clock: clock.Real(),
		RelayMap: s.relayMap})
	if err != nil {
		return err
	}
	quotas, err := quota.New(s.db)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if p.relay != nil {
		registry.MustRegister(p.relay)
	}
	registry.MustRegister(agents.NewCollector(s.db, s.log, clock.Real(), s.cfg.CollectAgentStats), apps.NewCollector(s.db, s.log, clock.Real()))
	options := s.shownOptions()
	plane, err := coderd.New(coderd.Options{Log: s.log, Auth: p.auth, Users: p.users, Audit: p.audit,
		Templates: p.templates, Agents: p.agents, Workspaces: p.workspaces, Downloads: p.downloads, Jobs: p.jobs,
		ExternalAuth: p.external, DevURL: p.devurl, Apps: p.apps, Metrics: registry, Health: healthService, Limiter: s.cfg.limiter(),
		Quota: quotas, Connections: p.connections,
		Deployment: coderd.Deployment{ID: id, AccessURL: s.accessURL, HostPrefixCookie: s.cfg.Session.HostPrefixCookie, AppHost: s.appHost(), PathAppURL: s.pathAppURL(), SSHHostnamePrefix: s.cfg.SSH.HostnamePrefix,
			SSHHostnameSuffix: s.cfg.SSH.HostnameSuffix, SSHConfigOptions: sshOptions, Options: options, Config: shownConfig(options), Swagger: s.cfg.Swagger}})
	if err != nil {
		return err
	}
	pages, err := site.Handler(site.Options{AccessURL: s.accessURL.String(), Version: buildinfo.Version(), CSP: s.cfg.AdditionalCSP, Renderer: s.cfg.TerminalRenderer})
	if err != nil {
		return err
	}
	main := s.route(plane.Handler(), p.relay, pages)
	trusted, err := httpmw.NewTrustedProxies(s.cfg.Apps.TrustedHeaders, s.cfg.Apps.TrustedOrigins)
	if err != nil {
		return err
	}
	for i := range s.listeners {
		l := &s.listeners[i]
		switch l.name {
		case "http":
			l.h = trusted.RealIP(s.splitPlain(p.proxy, s.plain(main)))
		case "https":
			l.h = trusted.RealIP(withSTS(s.cfg.STSMaxAge, s.cfg.STSOptions, p.proxy.Split(main)))
		case "path apps":
			l.h = trusted.RealIP(p.proxy)
		case "prometheus":
			l.h = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
		case "pprof":
			l.h = profiles()
		}
	}
	return nil
}

// route sends requests to the relay, the API or the pages by path. The prefix of
// an access URL that has one is stripped first.
func (s *Server) route(plane http.Handler, relays *relay.Relay, pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/api/", "/bin/", "/healthz", "/external-auth/", "/gitauth/", "/swagger/", apps.LoginPath} {
		mux.Handle(path, plane)
	}
	if relays != nil {
		mux.Handle("/derp", relays.Handler())
		mux.Handle("/derp/", relays.Handler())
	}
	if site.Built() { // it has a login page of its own; the form's target stays
		mux.Handle("GET "+apps.LoginPath, httpmw.Policies(pages))
	}
	mux.Handle("/", httpmw.Policies(pages))
	var h http.Handler = mux
	if prefix := strings.TrimRight(s.accessURL.Path, "/"); prefix != "" {
		h = orStripped(prefix, mux)
	}
	if s.cfg.RedirectToAccessURL {
		h = s.redirectStrangers(h)
	}
	return h
}

// orStripped serves paths below prefix as if it were not there, and others as
// they are: a balancer may or may not strip it.
func orStripped(prefix string, h http.Handler) http.Handler {
	stripped := http.StripPrefix(prefix, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// plain is the handler of the HTTP listener: it redirects to HTTPS where that is
// the access URL and served by this process. Health stays answerable.
func (s *Server) plain(h http.Handler) http.Handler {
	if !s.cfg.TLS.Enable || !s.cfg.TLS.RedirectHTTP || s.accessURL.Scheme != "https" {
		return h
	}
	redirect := redirectTo(s.accessURL.Scheme + "://" + s.accessURL.Host)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			h.ServeHTTP(w, r)
			return
		}
		redirect.ServeHTTP(w, r)
	})
}

// redirectStrangers sends page requests that name another host to the access
// URL. API clients, agents and the relay are served under any name.
func (s *Server) redirectStrangers(h http.Handler) http.Handler {
	redirect := redirectTo(s.accessURL.Scheme + "://" + s.accessURL.Host)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/derp") &&
			!strings.HasPrefix(r.URL.Path, "/bin/") && r.URL.Path != "/healthz"
		if page && !strings.EqualFold(r.Host, s.accessURL.Host) {
			redirect.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// profiles are Go's own, without the default mux.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
