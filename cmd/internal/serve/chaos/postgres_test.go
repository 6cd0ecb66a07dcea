//go:build linux && chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/database/dbtest"
)

// change stores something by way of the API and returns what it is found by.
func change(ctx context.Context, c *client.Client) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	name := "t" + strings.ReplaceAll(api.NewID().String(), "-", "")[:20]
	_, err := c.CreateToken(ctx, "me", api.CreateTokenRequest{TokenName: name})
	return name, err
}

// changed waits until a change is stored, and returns how long that took.
func changed(t *testing.T, c *client.Client) (name string, took time.Duration) {
	t.Helper()
	began := time.Now()
	servetest.Eventually(t, "a change is stored", func() bool {
		var err error
		name, err = change(t.Context(), c)
		if code := api.CodeOf(err); err != nil && code != api.CodeUnavailable {
			t.Fatalf("not an outage: %v", err)
		}
		return err == nil
	})
	return name, time.Since(began)
}

// TestFrozenPrimary: the primary hangs with all its sockets open, and a standby is
// promoted. The server finds it within the promised 30 s and stays there when the old
// one wakes.
func TestFrozenPrimary(t *testing.T) {
	t.Parallel()
	old := newCluster(t)
	other := old.standby(t)
	dsn := fmt.Sprintf("postgres://coder@%s,%s/coder?sslmode=disable", old.at(), other.at())
	s := servetest.Start(t, servetest.Options{PostgresURL: dsn})
	c := s.Admin(t).Client()
	for range 20 {
		_, err := change(t.Context(), c)
		require.NoError(t, err)
	}
	first, err := change(t.Context(), c)
	require.NoError(t, err)
	servetest.Eventually(t, "the standby has it", func() bool {
		return other.ask(t, "select count(*)::text from api_keys where token_name = '"+first+"'") == "1"
	})

	// Callers who are there when it freezes hold connections to it.
	busy := make(chan error, 20)
	stop, end := context.WithCancel(t.Context())
	for range cap(busy) {
		go func() {
			var last error
			for stop.Err() == nil {
				if _, err := change(t.Context(), c); err != nil && api.CodeOf(err) != api.CodeUnavailable {
					last = err
				}
			}
			busy <- last
		}()
	}
	old.signal(t, syscall.SIGSTOP)
	t.Cleanup(func() { old.signal(t, syscall.SIGCONT) })
	// At once, so that what it takes to notice counts.
	require.Equal(t, "true", other.ask(t, "select pg_promote(true, 30)::text"))
	name, took := changed(t, c)
	t.Logf("a change was stored %v after the new primary accepts", took.Round(10*time.Millisecond))
	require.Less(t, took, 30*time.Second)
	end()
	for range cap(busy) {
		err := <-busy
		require.NoError(t, err)
	}
	require.Equal(t, "1", other.ask(t, "select count(*)::text from api_keys where token_name = '"+name+"'"))
	began := time.Now()
	s.WaitLog("hints come again")
	t.Logf("hints came again at most %v after that", time.Since(began).Round(10*time.Millisecond))

	old.signal(t, syscall.SIGCONT)
	for range 20 {
		name, err := change(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, "1", other.ask(t, "select count(*)::text from api_keys where token_name = '"+name+"'"))
	}
}

// TestFrozenAlone: the only Postgres hangs. Requests are refused in time, memory stays,
// and all is well when it goes on.
func TestFrozenAlone(t *testing.T) {
	t.Parallel()
	pg := newCluster(t)
	s := servetest.Start(t, servetest.Options{PostgresURL: pg.url()})
	c := s.Admin(t).Client()
	_, err := change(t.Context(), c)
	require.NoError(t, err)
	pg.signal(t, syscall.SIGSTOP)
	t.Cleanup(func() { pg.signal(t, syscall.SIGCONT) })
	began := time.Now()
	_, err = change(t.Context(), c)
	require.Equal(t, api.CodeUnavailable, api.CodeOf(err), "%v", err)
	t.Logf("the first was refused after %v", time.Since(began).Round(10*time.Millisecond))
	s.WaitLog("postgres is in trouble.*reason=away")
	began = time.Now()
	_, err = change(t.Context(), c)
	require.Equal(t, api.CodeUnavailable, api.CodeOf(err), "%v", err)
	t.Logf("the next was refused after %v", time.Since(began).Round(10*time.Millisecond))
	refusals := make(chan error, 2000)
	for range cap(refusals) {
		go func() {
			_, err := change(t.Context(), c)
			refusals <- err
		}()
	}
	for range cap(refusals) {
		require.Error(t, <-refusals)
	}
	t.Logf("2000 at once were refused; the server has %s resident", resident(t, s))
	pg.signal(t, syscall.SIGCONT)
	_, took := changed(t, c)
	t.Logf("a change was stored %v after it goes on", took.Round(10*time.Millisecond))
	began = time.Now()
	s.WaitLog("hints come again")
	t.Logf("hints came again %v after that", time.Since(began).Round(10*time.Millisecond))
}

// resident is the memory of the server's process.
func resident(t *testing.T, s *servetest.Server) string {
	t.Helper()
	for _, p := range s.Processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
		if err != nil || !strings.Contains(p.Command, " server ") {
			continue
		}
		_, rest, _ := strings.Cut(string(text), "VmRSS:")
		line, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(line)
	}
	t.Fatal("no server")
	return ""
}

// TestTransactionPooler: all goes through a pgbouncer that lends connections for a
// transaction, migrations too. The URL needs no option.
func TestTransactionPooler(t *testing.T) {
	t.Parallel()
	direct, err := pgx.ParseConfig(dbtest.EmptyURL(t))
	require.NoError(t, err)
	dir, port := ownDir(t), freePort(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ini"), fmt.Appendf(nil, `[databases]
%s = host=%s port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 500
`, direct.Database, direct.Host, direct.Port, direct.User, port), 0o644))
	start(t, "pgbouncer", filepath.Join(dir, "ini"))
	through := url.URL{Scheme: "postgres", User: url.User(direct.User), Host: "127.0.0.1:" + strconv.Itoa(port),
		Path: direct.Database, RawQuery: "sslmode=disable"}
	servetest.Eventually(t, "pgbouncer answers", func() bool {
		conn, err := pgx.Connect(t.Context(), through.String())
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	})
	s := servetest.Start(t, servetest.Options{PostgresURL: through.String()})
	require.Contains(t, s.Log(), "a connection pooler stands before postgres")
	admin := s.Admin(t)
	c := admin.Client()
	failures := make(chan error, 8)
	for range cap(failures) {
		go func() {
			for range 50 {
				if _, err := change(t.Context(), c); err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
	admin.PushStarter("host")
	admin.OK("create", "demo", "--template", "host", "--use-parameter-defaults", "-y")
	require.Equal(t, "hello\n", admin.OK("ssh", "demo", "--", "echo hello"))
	admin.OK("stop", "demo", "-y")
	admin.OK("delete", "demo", "-y")
	s.WaitLog("hints do not come, polling goes on")
	report, err := c.Health(t.Context(), true)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(report.Database.Warnings, func(m api.HealthMessage) bool { return m.Code == "EDB04" }))
	s.Stop()
	s.Start() // nothing to migrate, the lock is free
}

// TestFullTablespace: the disk of the database runs full. What is stored can be read,
// and when there is room again changes are stored.
func TestFullTablespace(t *testing.T) {
	t.Parallel()
	dir := ownDir(t)
	require.NoError(t, syscall.Mount("none", dir, "tmpfs", 0, "size=40m"))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	who := postgresUser(t)
	require.NoError(t, os.Chown(dir, int(who.Uid), int(who.Gid)))
	pg := newCluster(t)
	admin, err := pgx.Connect(t.Context(), "postgres://coder@"+pg.at()+"/postgres?sslmode=disable")
	require.NoError(t, err)
	defer admin.Close(context.Background()) //nolint:errcheck // nothing depends on it
	for _, sql := range []string{"create tablespace small location '" + dir + "'", "create database small tablespace small"} {
		_, err := admin.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	s := servetest.Start(t, servetest.Options{PostgresURL: "postgres://coder@" + pg.at() + "/small?sslmode=disable"})
	c := s.Admin(t).Client()
	fill, err := os.Create(filepath.Join(dir, "fill"))
	require.NoError(t, err)
	defer fill.Close() //nolint:errcheck // only written
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = fill.Write(block)
	}
	require.True(t, errors.Is(err, syscall.ENOSPC), "%v", err)
	servetest.Eventually(t, "no room is left in the tables", func() bool { _, err = change(t.Context(), c); return err != nil })
	require.Equal(t, api.CodeUnavailable, api.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "its disk is full")
	_, err = c.User(t.Context(), "me")
	require.NoError(t, err)
	report, err := c.Health(t.Context(), true)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(report.Database.Warnings, func(m api.HealthMessage) bool { return m.Code == "EDB03" }))
	require.NoError(t, fill.Truncate(0))
	changed(t, c)
	s.WaitLog("postgres is well again.*reason=full")
	runtime.KeepAlive(fill)
}
