// Package coderdtest runs a control plane on a real database behind a real HTTP
// listener, for tests. It owns everything that it starts and stops it when the
// test ends. Nothing but tests may import it.
package coderdtest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/pubsub"
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
}

// Config is what a test may set before the start.
type Config struct {
	Auth auth.Config
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
	cfg := Config{Auth: auth.DefaultConfig()}
	for _, s := range set {
		s(&cfg)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	d := &Deployment{DB: db, PubSub: pubsub.New(db, log)}
	run(t, d.PubSub.Run)

	hasher := password.New(runtime.GOMAXPROCS(0))
	var err error
	d.Users, err = users.New(users.Options{DB: db, Passwords: hasher, Log: log})
	require.NoError(t, err)
	d.Auth, err = auth.New(auth.Options{DB: db, Passwords: hasher, Log: log, Config: cfg.Auth})
	require.NoError(t, err)
	auditLog, err := audit.NewService(db)
	require.NoError(t, err)

	srv := httptest.NewUnstartedServer(nil)
	d.URL = &url.URL{Scheme: "http", Host: srv.Listener.Addr().String()}
	id, err := coderd.DeploymentID(t.Context(), db)
	require.NoError(t, err)
	d.Server, err = coderd.New(coderd.Options{
		Log:        log,
		Deployment: coderd.Deployment{ID: id, AccessURL: d.URL, SSHHostnamePrefix: "coder.", SSHHostnameSuffix: "coder"},
		Auth:       d.Auth,
		Users:      d.Users,
		Audit:      auditLog,
		Agents:     noAgents{},
	})
	require.NoError(t, err)
	srv.Config.Handler = d.Server.Handler()
	srv.Start()
	t.Cleanup(srv.Close)
	return d
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

// noAgents is a deployment without any workspace.
type noAgents struct{}

func (noAgents) AuthenticateAgent(context.Context, api.Secret) (httpmw.Agent, error) {
	return httpmw.Agent{}, rbac.ErrUnauthenticated
}
