package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// otherUID is an ordinary user that owns nothing here.
const otherUID = 65534

// TestMain lets the test binary play another process: see helper.
func TestMain(m *testing.M) {
	if role := os.Getenv("LOCAL_TEST_ROLE"); role != "" {
		if err := play(role, os.Getenv("LOCAL_TEST_ARG")); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func play(role, arg string) error {
	ctx := context.Background()
	switch role {
	case "write": // commit rows until killed, and say so after each
		s, err := New(Config{Dir: arg, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		return errors.Join(writeForEver(ctx, s), s.Stop(ctx))
	case "once": // the whole life of a server
		for range 2 {
			s, err := New(Config{Dir: arg, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				return err
			}
			url, err := s.Start(ctx)
			if err != nil {
				return err
			}
			if err := exec1(ctx, url, "create table if not exists t (n int)"); err != nil {
				return err
			}
			if err := s.Stop(ctx); err != nil {
				return err
			}
		}
		return nil
	case "dial":
		conn, err := net.Dial("unix", arg)
		if err == nil {
			return errors.Join(errors.New("connected"), conn.Close())
		}
		fmt.Println(err)
		return nil
	}
	return fmt.Errorf("no role %q", role)
}

func writeForEver(ctx context.Context, s *Server) error {
	url, err := s.Start(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "create table if not exists rows (n int)"); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err := conn.Exec(ctx, "insert into rows values ($1)", n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func exec1(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// newDir is a short directory that every user can enter.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pg")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711))
	return dir
}

func newServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	s, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // read only
	var v T
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&v))
	return v
}

// helper starts the test binary in another role; uid -1 keeps the user.
func helper(t *testing.T, role, arg string, uid int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	if uid >= 0 {
		// The build directory is closed to others.
		copied := filepath.Join(newDir(t), "helper")
		data, err := os.ReadFile(self)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied, data, 0o755))
		cmd = exec.Command(copied)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LOCAL_TEST_ROLE="+role, "LOCAL_TEST_ARG="+arg)
	return cmd
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	before := s.URL()
	url, err := s.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, url)
	require.NoError(t, exec1(t.Context(), url, "create table t as select 42 as n"))
	require.Empty(t, query[string](t, url, "show listen_addresses"))
	require.Equal(t, "on", query[string](t, url, "show fsync"))

	info, err := os.Stat(fmt.Sprintf("/proc/%d", s.cmd.Process.Pid))
	require.NoError(t, err)
	require.NotZero(t, info.Sys().(*syscall.Stat_t).Uid, "postgres must not be root")
	require.NoError(t, s.Stop(t.Context()))
	<-s.Wait()

	again := newServer(t, Config{Dir: s.cfg.Dir})
	began := time.Now()
	url, err = again.Start(t.Context())
	require.NoError(t, err)
	t.Logf("start of an existing cluster: %v", time.Since(began))
	require.Equal(t, 42, query[int](t, url, "select n from t"))
}

func TestOrphanOfKilledServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	last := 0
	for range 2 {
		cmd := helper(t, "write", dir, -1)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			last, err = strconv.Atoi(lines.Text())
			require.NoError(t, err, lines.Text())
			if last == 20 {
				require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
			}
		}
		require.Error(t, cmd.Wait())
		require.GreaterOrEqual(t, last, 20)
	}
	text, err := os.ReadFile(filepath.Join(dir, "postgres/data/postmaster.pid"))
	require.NoError(t, err)
	orphan, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	require.NoError(t, err)
	require.True(t, alive(orphan), "the postmaster must survive its server")

	s := newServer(t, Config{Dir: dir})
	url, err := s.Start(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, orphan, s.cmd.Process.Pid)
	require.GreaterOrEqual(t, query[int](t, url, "select max(n) from rows"), last)
	require.GreaterOrEqual(t, query[int](t, url, "select count(*) from rows"), 20+last)
}

func TestKilledPostmaster(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	url, err := s.Start(t.Context())
	require.NoError(t, err)
	require.NoError(t, exec1(t.Context(), url, "create table t as select 7 as n"))

	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	first, dead := s.cmd.Process.Pid, s.Wait()
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	<-dead
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		return err == nil && conn.Close(t.Context()) == nil
	}, 20*time.Second, 5*time.Millisecond, "Run must start it again")
	require.Equal(t, 7, query[int](t, url, "select n from t"))
	cancel()
	require.NoError(t, <-ran)
	<-s.Wait()
}

func TestStaleFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	_, err := s.Start(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Stop(t.Context()))

	// A process of the same user that has the number of a dead postmaster.
	bystander := exec.Command("sleep", "600")
	bystander.SysProcAttr = s.account.attributes()
	require.NoError(t, bystander.Start())
	t.Cleanup(func() {
		require.NoError(t, bystander.Process.Kill())
		_ = bystander.Wait()
	})
	pid := strconv.Itoa(bystander.Process.Pid)
	for _, text := range []string{pid + "\n" + s.DataDir() + "\n1\n5432\n", "", "rubbish", "999999999\n"} {
		for _, path := range []string{filepath.Join(s.DataDir(), "postmaster.pid"), filepath.Join(s.run, socketName+".lock")} {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			require.NoError(t, s.account.own(path))
		}
		require.NoError(t, os.MkdirAll(s.DataDir()+".new/half", 0o700))
		_, err = s.Start(t.Context())
		require.NoError(t, err, "postmaster.pid %q", text)
		require.NoError(t, s.Stop(t.Context()))
	}
	require.True(t, alive(bystander.Process.Pid))
}

func TestSecondServerOnOneDirectory(t *testing.T) {
	t.Parallel()
	first := newServer(t, Config{Dir: newDir(t)})
	second := newServer(t, Config{Dir: first.cfg.Dir})
	_, err := first.Start(t.Context())
	require.NoError(t, err)
	_, err = second.Start(t.Context())
	require.ErrorContains(t, err, "is in use by another coder server (process "+strconv.Itoa(os.Getpid())+")")
	require.NoError(t, first.Stop(t.Context()))
	_, err = second.Start(t.Context())
	require.NoError(t, err)
}

func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	dir, uid := newDir(t), -1
	if os.Geteuid() == 0 {
		uid = otherUID
		require.NoError(t, os.Chown(dir, uid, uid))
	}
	out, err := helper(t, "once", dir, uid).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestClosedToOthers(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	_, err := s.Start(t.Context())
	require.NoError(t, err)
	for _, dir := range []string{s.run, s.DataDir()} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), dir)
	}
	if os.Geteuid() != 0 {
		return // only root can become somebody else
	}
	out, err := helper(t, "dial", filepath.Join(s.run, socketName), otherUID).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "permission denied")
}

// The configuration directory of root is usually below /root, which the
// Postgres user cannot enter.
func TestClosedConfigDirectory(t *testing.T) {
	t.Parallel()
	base := newDir(t)
	closed := filepath.Join(base, "root")
	require.NoError(t, os.Mkdir(closed, 0o700))
	cfg := Config{Dir: filepath.Join(closed, "config"), FallbackDir: filepath.Join(base, "lib")}
	s := newServer(t, cfg)
	_, err := s.Start(t.Context())
	require.NoError(t, err)
	_, err = os.Stat(filepath.Join(cfg.Dir, "postgres/data/PG_VERSION"))
	require.NoError(t, err)
	if os.Geteuid() == 0 {
		require.Equal(t, cfg.FallbackDir, filepath.Dir(s.home))
		again, err := New(s.cfg)
		require.NoError(t, err)
		require.Equal(t, s.home, again.home)
	}
}

func TestLongDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), strings.Repeat("long", 25))
	s := newServer(t, Config{Dir: dir})
	t.Cleanup(func() { _ = os.RemoveAll(s.run) })
	url, err := s.Start(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, len(s.run)+1+len(socketName), socketPathMax)
	require.Equal(t, 1, query[int](t, url, "select 1"))
}

func TestDataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	_, err := s.Start(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, os.WriteFile(filepath.Join(s.DataDir(), "PG_VERSION"), []byte("99\n"), 0o600))
	_, err = s.Start(t.Context())
	require.ErrorContains(t, err, "is of PostgreSQL 99, but found is only PostgreSQL ")
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	_, err := New(Config{Dir: "/x"})
	require.ErrorContains(t, err, "no logger")
	_, err = New(Config{Log: log})
	require.ErrorContains(t, err, "no configuration directory")
	_, err = New(Config{Dir: newDir(t), Log: log, User: "no-such-user"})
	require.ErrorContains(t, err, `no-such-user"`)
	if os.Geteuid() == 0 {
		_, err = New(Config{Dir: newDir(t), Log: log, User: "root"})
		require.ErrorContains(t, err, "refuses to run as root")
	}
}

// A directory that somebody else made where ours belongs is not used.
func TestForeignSocketDirectory(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	require.NoError(t, s.makeHome())
	require.NoError(t, os.Remove(s.run))
	require.NoError(t, os.Symlink(newDir(t), s.run))
	_, err := s.Start(t.Context())
	require.ErrorContains(t, err, "must be a directory of user")
}
