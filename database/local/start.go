package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"coder.internal/internal/filelock"
)

const logLimit = 4 << 20 // bytes of postgres.log that a start leaves in place

// Start runs Postgres and returns the URL of its database, which exists then.
// It makes the cluster where there is none, and stops an orphan of an earlier
// coder server first. It blocks until Postgres accepts connections and a new
// cluster is on disk; after a crash that includes recovery, at most 5 minutes in
// all. A second server on the same directory gets an error that names the first.
func (s *Server) Start(ctx context.Context) (string, error) {
	url, err := s.Begin(ctx)
	if err != nil {
		return "", err
	}
	if err := s.Settle(ctx); err != nil {
		return "", errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return url, nil
}

// Begin is Start without the wait for the disk: a new cluster may still be lost
// in a crash of the machine. Call Settle before anybody relies on what was
// written.
func (s *Server) Begin(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running() {
		return s.URL(), nil
	}
	if s.settling != nil {
		<-s.settling.all // of a Postgres that has died
		s.settling = nil
	}
	if err := s.prepare(ctx); err != nil {
		s.unlock()
		return "", err
	}
	if err := s.ready(ctx); err != nil {
		// A half-started server must not stay; its data is safe either way.
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fastTimeout+2*quitTimeout)
		defer cancel()
		return "", errors.Join(err, s.stop(stopCtx))
	}
	return s.URL(), nil
}

func (s *Server) running() bool {
	if s.dead == nil {
		return false
	}
	select {
	case <-s.dead:
		return false
	default:
		return true
	}
}

// prepare does all up to the running process.
func (s *Server) prepare(ctx context.Context) error {
	if err := s.makeHome(); err != nil {
		return err
	}
	if err := s.takeLock(); err != nil {
		return err
	}
	if err := s.endOrphan(ctx); err != nil {
		return err
	}
	if err := s.dropUnsettled(); err != nil {
		return err
	}
	major, err := clusterMajor(s.DataDir())
	if err != nil {
		return err
	}
	unpacked := func() bool { return false }
	if major == 0 {
		unpacked = s.unpackCluster()
	}
	bin, err := s.findBinaries(ctx, major)
	whole := unpacked()
	if err != nil {
		return err
	}
	if major == 0 {
		if err := s.makeCluster(ctx, bin, whole); err != nil {
			return err
		}
	}
	if err := s.launch(bin); err != nil {
		return err
	}
	s.settling = s.settle(major == 0, bin.unmarked())
	return nil
}

// takeLock makes this process the only one that uses home. The kernel frees the
// lock when the process ends, however it ends.
func (s *Server) takeLock() error {
	if s.lock != nil {
		return nil
	}
	path := filepath.Join(s.home, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("built-in postgres: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.ReadAt(holder, 0) // what cannot be read is not named
		_ = f.Close()
		return fmt.Errorf("built-in postgres: %s is in use by another coder server (process %s); "+
			"stop that one, or give this one another --global-config or a --postgres-url",
			s.home, strings.TrimSpace(string(holder[:n])))
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		_ = f.Close()
		return fmt.Errorf("built-in postgres: write %s: %w", path, err)
	}
	s.lock = f
	return nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func (s *Server) unlock() {
	if s.lock != nil {
		filelock.Release(s.lock)
		s.lock = nil
	}
}

// clusterMajor reads which version the data is of; 0 when there is no data.
func clusterMajor(data string) (int, error) {
	text, err := readSmall(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(data); err == nil {
			return 0, fmt.Errorf("built-in postgres: %s exists but has no PG_VERSION: not a Postgres cluster; move it away", data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("built-in postgres: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("built-in postgres: %s holds %.20q, not a version", filepath.Join(data, "PG_VERSION"), text)
	}
	return major, nil
}

// settings are given on the command line and not in a file: they are always
// those of this release, and we write nothing into a directory of the account.
func (s *Server) settings() []string {
	set := []string{
		"listen_addresses=", "port=5432",
		"unix_socket_directories=" + s.run, "unix_socket_permissions=0700",
		"shared_buffers=64MB", "max_connections=100",
		"min_wal_size=32MB", "max_wal_size=512MB", "wal_level=minimal", "max_wal_senders=0",
		"timezone=UTC", "log_timezone=UTC",
		// Statements and key values may be secrets; who sent them gets the error.
		"log_min_messages=log", "log_min_error_statement=panic", "log_error_verbosity=terse",
		"log_checkpoints=off", "logging_collector=off",
	}
	if s.cfg.Volatile {
		set = append(set, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"autovacuum=off", "max_connections=300")
	}
	args := make([]string, 0, 2*len(set))
	for _, v := range set {
		args = append(args, "-c", v)
	}
	return args
}

// launch starts the postmaster. Its output goes to a file, because a pipe would
// end with us while the postmaster may live on.
func (s *Server) launch(bin binaries) error {
	for _, name := range []string{socketName, socketName + ".lock"} {
		if err := os.Remove(filepath.Join(s.run, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("built-in postgres: remove a stale socket: %w", err)
		}
	}
	out, err := openLog(s.logPath())
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // the child has its own descriptor
	cmd := exec.Command(bin.postgres(), append([]string{"-D", s.DataDir()}, s.settings()...)...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = s.account.attributes()
	if s.cfg.Volatile {
		endWithParent(cmd.SysProcAttr)
	}
	started, dead := make(chan error, 1), make(chan struct{})
	go func() {
		// "End with the parent" means with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(dead)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in the log file
		}
	}()
	if err := <-started; err != nil {
		<-dead
		return fmt.Errorf("built-in postgres: start %s as user %s: %w", bin.postgres(), s.account.name, err)
	}
	s.cmd, s.dead = cmd, dead
	return nil
}

func (s *Server) logPath() string { return filepath.Join(s.home, "postgres.log") }

// openLog opens the log for appending; a large one starts anew.
func openLog(path string) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND | syscall.O_NOFOLLOW
	if info, err := os.Lstat(path); err == nil && info.Size() > logLimit {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("built-in postgres: %w", err)
	}
	return f, nil
}

// ready waits until the database accepts connections, and creates it the first
// time.
func (s *Server) ready(ctx context.Context) error {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.urlOf(databaseName))
		if err == nil {
			return conn.Close(ctx)
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "3D000" { // no such database
			return s.createDatabase(ctx)
		}
		if errors.As(err, &pg) && pg.Code != "57P03" { // not: starting up
			return fmt.Errorf("built-in postgres: connect: %s", pg.Message)
		}
		select {
		case <-s.dead:
			return fmt.Errorf("built-in postgres ended while starting; the last of %s: %s", s.logPath(), tail(s.logPath()))
		case <-ctx.Done():
			return fmt.Errorf("built-in postgres does not accept connections: %w; see %s", ctx.Err(), s.logPath())
		case <-tick.C:
		}
	}
}

// createDatabase gives a cluster that initdb made its database. initdb has made an empty one
// called postgres, and renaming it costs a tenth of making another one.
func (s *Server) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.urlOf("template1"))
	if err != nil {
		return fmt.Errorf("built-in postgres: connect: %w", err)
	}
	_, err = conn.Exec(ctx, "alter database postgres rename to "+databaseName)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "3D000" { // somebody has dropped it
		_, err = conn.Exec(ctx, "create database "+databaseName)
	}
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("built-in postgres: create the database: %w", err)
	}
	return nil
}

// tail gives the end of a file for an error message.
func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	const most = 1000
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return strings.TrimSpace(string(data))
}
