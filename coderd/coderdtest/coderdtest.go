// Package coderdtest runs a control plane on a real database behind a real HTTP
// listener, for tests. It owns everything that it starts and stops it when the
// test ends. Nothing but tests may import it.
package coderdtest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
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
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/quota"
	"coder.internal/coderd/replicas"
	"coder.internal/coderd/templates"
	"coder.internal/coderd/users"
	"coder.internal/coderd/workspaces"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/pubsub"
	"coder.internal/internal/buildinfo"
	"coder.internal/internal/clock"
	"coder.internal/internal/password"
)

// Deployment is one replica and its database.
type Deployment struct {
	URL    *url.URL
	DB     *database.DB
	PubSub *pubsub.PubSub
	Server *coderd.Server
	Auth   *auth.Service
	Users  *users.Service
	// Ring seals with a key that all deployments of tests share.
	Ring *keys.Ring
	// ExternalAuth has the providers of Config.
	ExternalAuth *externalauth.Service
	Jobs         *jobs.Queue
	Templates    *templates.Service
	// Coordinator exchanges nodes; no relay stands behind it.
	Coordinator *coordinator.Coordinator
	// Streams reaches agents over connections that they hold, and by Config's Dialer.
	Streams    *agentconn.Streams
	Agents     *agents.Service
	Workspaces *workspaces.Service
	Apps       *apps.Service
	// Replicas runs, without a relay.
	Replicas *replicas.Service
}

// Config is what a test may set before the start.
type Config struct {
	Auth auth.Config
	// QuietHours are those of the deployment.
	QuietHours users.QuietHours
	// AllowRenames lets workspaces be renamed.
	AllowRenames bool
	// Dialer reaches agents; by default it reaches none.
	Dialer devurl.Dialer
	// Streams reaches applications; by default it reaches none.
	Streams devurl.Streams
	// Wildcard and PathAppsURL say where applications are; empty is nowhere.
	Wildcard, PathAppsURL string
	// AppOptions changes the switches of applications.
	AppOptions func(*apps.Options)
	// Clock is that of open streams; the real one by default.
	Clock clock.Clock
	// RateLimit is how many requests a minute each user may send to a route; 0 is
	// no limit.
	RateLimit int
	// PSK lets external provisioner daemons in.
	PSK api.Secret
	// ExternalAuth are the services to sign in to.
	ExternalAuth []externalauth.Config
	// Identities verify machines of clouds.
	Identities agents.Identities
}

// New starts a control plane on a fresh database. The package's TestMain must
// call dbtest.Main.
func New(t testing.TB, set ...func(*Config)) *Deployment {
	t.Helper()
	return Replica(t, dbtest.New(t), set...)
}

// Replica starts a control plane on db, maybe one of several.
func Replica(t testing.TB, db *database.DB, set ...func(*Config)) *Deployment {
	t.Helper()
	cfg := Config{Auth: auth.DefaultConfig(), Dialer: noAgents{}, Streams: noStreams{}, Clock: clock.Real()}
	for _, s := range set {
		s(&cfg)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	d := &Deployment{DB: db, PubSub: pubsub.New(db, log)}
	run(t, d.PubSub.Run)

	srv := httptest.NewUnstartedServer(nil)
	d.URL = &url.URL{Scheme: "http", Host: srv.Listener.Addr().String()}
	hasher := password.New(runtime.GOMAXPROCS(0))
	var err error
	d.Ring, err = keys.NewRing(make([]byte, keys.KeySize))
	require.NoError(t, err)
	d.Users, err = users.New(users.Options{DB: db, Passwords: hasher, Ring: d.Ring, Log: log, Clock: cfg.Clock, QuietHours: cfg.QuietHours})
	require.NoError(t, err)
	d.Auth, err = auth.New(auth.Options{DB: db, Passwords: hasher, Log: log, Config: cfg.Auth})
	require.NoError(t, err)
	d.ExternalAuth, err = externalauth.New(externalauth.Options{DB: db, PubSub: d.PubSub, Ring: d.Ring, Log: log, Clock: clock.Real(),
		AccessURL: d.URL, Providers: cfg.ExternalAuth})
	require.NoError(t, err)
	d.addTemplates(t, log, cfg)
	d.addWorkspaces(t, log, cfg)
	proxy := d.addApps(t, log, cfg)
	d.addReplicas(t, log)
	auditLog, err := audit.NewService(db)
	require.NoError(t, err)

	quotas, err := quota.New(db)
	require.NoError(t, err)
	connections, err := connectionlog.New(db)
	require.NoError(t, err)

	id, err := coderd.DeploymentID(t.Context(), db)
	require.NoError(t, err)
	d.Server, err = coderd.New(coderd.Options{Metrics: prometheus.NewRegistry(),
		Log:        log,
		Deployment: coderd.Deployment{ID: id, AccessURL: d.URL, AppHost: cfg.Wildcard, PathAppURL: cfg.PathAppsURL, SSHHostnamePrefix: "coder.", SSHHostnameSuffix: "coder"},
		Auth:       d.Auth,
		Users:      d.Users,
		Audit:      auditLog,
		Templates:  d.Templates,
		Agents:     d.Agents,
		Workspaces: d.Workspaces,
		Downloads:  d.downloads(t, log),
		Jobs:       d.Jobs,

		Limiter:      limiter(cfg),
		ExternalAuth: d.ExternalAuth,
		DevURL:       d.devURL(t, log, cfg),
		Apps:         d.Apps,
		Health:       d.health(t, log),
		Replicas:     d.Replicas,
		Quota:        quotas,
		Connections:  connections,
	})
	require.NoError(t, err)
	srv.Config.Handler = proxy.Split(d.Server.Handler())
	srv.Start()
	t.Cleanup(srv.Close)
	return d
}

func limiter(cfg Config) httpapi.Limiter {
	if cfg.RateLimit == 0 {
		return nil
	}
	return httpmw.NewRateLimit(cfg.RateLimit, cfg.Clock)
}

// addTemplates makes the queue and what hangs on it.
func (d *Deployment) addTemplates(t testing.TB, log *slog.Logger, cfg Config) {
	t.Helper()
	var err error
	d.Jobs, err = jobs.New(jobs.Options{DB: d.DB, PubSub: d.PubSub, Log: log, Clock: cfg.Clock, Ring: d.Ring, PSK: cfg.PSK})
	require.NoError(t, err)
	starters, err := templates.Starters()
	require.NoError(t, err)
	d.Templates, err = templates.New(templates.Options{DB: d.DB, Jobs: d.Jobs, Ring: d.Ring, Log: log, AccessURL: d.URL, Examples: starters,
		ExternalAuth: d.ExternalAuth, Clock: cfg.Clock})
	require.NoError(t, err)
	d.Jobs.SetCompleter(api.JobTemplateVersionImport, d.Templates.Importer())
}

// addWorkspaces makes what hangs on builds.
func (d *Deployment) addWorkspaces(t testing.TB, log *slog.Logger, cfg Config) {
	t.Helper()
	relays := func() tailrpc.RelayMap {
		return tailrpc.RelayMap{Regions: map[int]tailrpc.Region{999: {ID: 999, Code: "test", Name: "Test relay"}}}
	}
	var err error
	d.Coordinator, err = coordinator.New(coordinator.Options{Log: log, RelayMap: relays})
	require.NoError(t, err)
	run(t, d.Coordinator.Run)
	d.Streams, err = agentconn.New(agentconn.Options{Log: log, Clock: cfg.Clock, Tunnel: cfg.Dialer, Ask: d.Coordinator.AskStreams})
	require.NoError(t, err)
	run(t, d.Streams.Run)
	d.Agents, err = agents.New(agents.Options{DB: d.DB, PubSub: d.PubSub, Log: log, Clock: cfg.Clock,
		Coordinator: coderd.Coordinate(d.Coordinator), Dialer: cfg.Dialer, Streams: d.Streams, Ring: d.Ring, AccessURL: d.URL.String(), AppHost: cfg.Wildcard, RelayMap: relays,
		Identities: cfg.Identities})
	require.NoError(t, err)
	run(t, d.Agents.Run)
	d.Workspaces, err = workspaces.New(workspaces.Options{DB: d.DB, PubSub: d.PubSub, Log: log, Clock: cfg.Clock,
		Jobs: d.Jobs, Templates: d.Templates, ExternalAuth: d.ExternalAuth, Ring: d.Ring, AccessURL: d.URL.String(), AllowRenames: cfg.AllowRenames})
	require.NoError(t, err)
	d.Jobs.SetCompleter(api.JobWorkspaceBuild, d.Workspaces)
	d.Jobs.SetCompleter(api.JobTemplateVersionDryRun, d.Workspaces.Planner())
	run(t, d.Jobs.Run)
}

func (d *Deployment) downloads(t testing.TB, log *slog.Logger) *downloads.Service {
	t.Helper()
	s, err := downloads.New(downloads.Options{Log: log, CacheDir: t.TempDir(), AccessURL: d.URL.String()})
	require.NoError(t, err)
	return s
}

// noAgents is a network without any.
type noAgents struct{}

func (noAgents) DialAgent(context.Context, api.ID, uint16) (net.Conn, error) {
	return nil, errors.New("there is no network")
}

func (d *Deployment) devURL(t testing.TB, log *slog.Logger, cfg Config) *devurl.Service {
	t.Helper()
	s, err := devurl.New(devurl.Options{Log: log, Clock: cfg.Clock, Resolver: d.Agents, Dialer: cfg.Dialer})
	require.NoError(t, err)
	run(t, s.Run)
	return s
}

// noStreams is a network without any, for applications.
type noStreams struct{}

func (noStreams) DialAgent(context.Context, api.ID, string, string) (net.Conn, error) {
	return nil, errors.New("there is no network")
}

// addApps makes what decides about applications, and what serves them.
func (d *Deployment) addApps(t testing.TB, log *slog.Logger, cfg Config) *devurl.Proxy {
	t.Helper()
	sites := devurl.Sites{Access: d.URL}
	var err error
	if cfg.Wildcard != "" {
		sites.Wildcard, err = devurl.ParseWildcard(cfg.Wildcard)
		require.NoError(t, err)
	}
	if cfg.PathAppsURL != "" {
		sites.PathURL, err = url.Parse(cfg.PathAppsURL)
		require.NoError(t, err)
	}
	o := apps.Options{DB: d.DB, PubSub: d.PubSub, Log: log, Clock: cfg.Clock, Ring: d.Ring, Auth: d.Auth, Agents: d.Agents,
		Workspaces: d.Workspaces, Sites: sites}
	if cfg.AppOptions != nil {
		cfg.AppOptions(&o)
	}
	d.Apps, err = apps.New(o)
	require.NoError(t, err)
	proxy, err := devurl.NewProxy(devurl.ProxyOptions{Log: log, Clock: cfg.Clock, Apps: d.Apps, Streams: cfg.Streams, Sites: sites})
	require.NoError(t, err)
	run(t, proxy.Run)
	return proxy
}

func (d *Deployment) addReplicas(t testing.TB, log *slog.Logger) {
	t.Helper()
	var err error
	d.Replicas, err = replicas.New(replicas.Options{DB: d.DB, PubSub: d.PubSub, Log: log, Clock: clock.Real(),
		Self: replicas.Replica{ID: api.NewID(), Hostname: "test", Version: buildinfo.Version()}})
	require.NoError(t, err)
	run(t, d.Replicas.Run)
	d.Replicas.SetReady()
}

func (d *Deployment) health(t testing.TB, log *slog.Logger) *health.Service {
	t.Helper()
	s, err := health.New(health.Options{DB: d.DB, Hints: d.PubSub, AccessURL: d.URL, Log: log, Clock: clock.Real(), Replicas: d.Replicas,
		RelayMap: func() tailrpc.RelayMap { return tailrpc.RelayMap{} }})
	require.NoError(t, err)
	return s
}

// run keeps a part alive until the test ends and waits for it.
func run(t testing.TB, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = part(ctx) // a part that ends early shows in what it no longer does
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}
