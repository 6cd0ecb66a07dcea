//go:build linux && chaos

package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// postgresUser is whom Debian's Postgres and pgbouncer run as.
func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	require.NoError(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// ownDir is a directory of the Postgres user.
func ownDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "coder-chaos-")
	require.NoError(t, err)
	who := postgresUser(t)
	require.NoError(t, os.Chown(dir, int(who.Uid), int(who.Gid)))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// command prepares a program of the Postgres user.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		require.NotEmpty(t, found, "%s is not installed", name)
		path = found[len(found)-1]
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: postgresUser(t), Pdeathsig: syscall.SIGQUIT}
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	return cmd
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := command(t, name, args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

// start runs a program until the test ends.
func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, name, args...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, log.String())
		}
	})
	return cmd
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // it was only asked for its port
	return l.Addr().(*net.TCPAddr).Port
}

// cluster is one Postgres on a port.
type cluster struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

func (c *cluster) at() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

func (c *cluster) url() string { return "postgres://coder@" + c.at() + "/coder?sslmode=disable" }

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: filepath.Join(ownDir(t), "data"), port: freePort(t)}
	run(t, "initdb", "-D", c.dir, "-U", "coder", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
	c.launch(t)
	conn, err := pgx.Connect(t.Context(), "postgres://coder@"+c.at()+"/postgres?sslmode=disable")
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing depends on it
	_, err = conn.Exec(t.Context(), "create database coder")
	require.NoError(t, err)
	return c
}

func (c *cluster) launch(t *testing.T) {
	t.Helper()
	c.cmd = start(t, "postgres", "-D", c.dir, "-p", strconv.Itoa(c.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "wal_level=replica", "-c", "hot_standby=on")
	servetest.Eventually(t, "postgres answers", func() bool {
		conn, err := pgx.Connect(t.Context(), "postgres://coder@"+c.at()+"/postgres?sslmode=disable")
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	})
}

// standby copies a primary and follows it.
func (c *cluster) standby(t *testing.T) *cluster {
	t.Helper()
	s := &cluster{dir: filepath.Join(ownDir(t), "data"), port: freePort(t)}
	run(t, "pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-U", "coder", "-D", s.dir, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	s.launch(t)
	return s
}

// signal reaches the postmaster and all its processes.
func (c *cluster) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(sig))
	parent := fmt.Sprintf(" %d ", c.cmd.Process.Pid)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if strings.HasPrefix(rest[1:], parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			require.NoError(t, err)
			_ = syscall.Kill(pid, sig) // it may end by itself
		}
	}
}

func (c *cluster) ask(t *testing.T, sql string) (out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url())
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing depends on it
	require.NoError(t, conn.QueryRow(ctx, sql).Scan(&out))
	return out
}
