// Package dbtest gives every test a fresh, migrated database on a real
// Postgres: NOTIFY, advisory locks and leases of one test never reach another.
//
// It owns one Postgres for each test process, started with the first database
// that a test asks for and ended with the process, even when that is killed. It
// runs without fsync, as another user when the tests run as root. Where
// CODER_TEST_POSTGRES_URL names a server, whose user may create databases, that
// one is used instead. Two test processes never meet: directories and database
// names are random.
//
// Its one variable is the server of the process, because TestMain and the tests
// share nothing else.
package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"coder.internal/database"
	"coder.internal/database/local"
)

const (
	urlVariable = "CODER_TEST_POSTGRES_URL"
	dirPrefix   = "coder-dbtest-"
	callTimeout = time.Minute
)

// server is the Postgres of this process.
type server struct {
	once sync.Once
	err  error // of the start

	postgres *local.Server // nil for a foreign server
	dir      string
	lock     *os.File
	admin    *pgxpool.Pool
	base     *url.URL
	template string
	strategy string // option of create database
}

var (
	mu      sync.Mutex // guards current
	current *server    // nil outside Main
)

// Main runs the tests of a package that uses this one:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
// It returns after the server has stopped; the exit code is that of the tests.
func Main(m *testing.M) {
	s := &server{}
	mu.Lock()
	current = s
	mu.Unlock()
	code := m.Run()
	if err := s.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		os.Exit(max(code, 1))
	}
}

// New opens a fresh database with the schema of this release; it is closed and
// dropped when the test ends.
func New(t testing.TB) *database.DB {
	t.Helper()
	return Open(t, URL(t))
}

// Open opens a database of URL once more, like another replica would. It is
// closed when the test ends.
func Open(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url, database.Options{MaxOpen: 8, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL makes a fresh database with the schema of this release and names it. It
// is dropped when the test ends, whoever is still connected.
func URL(t testing.TB) string {
	t.Helper()
	return running(t).create(t, true)
}

// EmptyURL is URL without any schema.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return running(t).create(t, false)
}

func running(t testing.TB) *server {
	t.Helper()
	mu.Lock()
	s := current
	mu.Unlock()
	if s == nil {
		t.Fatal("dbtest: the package needs func TestMain(m *testing.M) { dbtest.Main(m) }")
	}
	s.once.Do(func() { s.err = s.start() })
	if s.err != nil {
		t.Fatalf("dbtest: %v", s.err)
	}
	return s
}

func (s *server) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	base := os.Getenv(urlVariable)
	if base == "" {
		var err error
		if base, err = s.startOwn(ctx); err != nil {
			return err
		}
	}
	u, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("%s is not a URL", urlVariable)
	}
	s.base = u
	if s.admin, err = pgxpool.New(ctx, base); err != nil {
		return err
	}
	return s.makeTemplate(ctx)
}

// startOwn starts a Postgres in a temporary directory that its user can enter.
func (s *server) startOwn(ctx context.Context) (string, error) {
	parent := fastParent()
	if err := sweep(parent); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, dirPrefix)
	if err != nil {
		return "", err
	}
	s.dir = dir
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", err
	}
	if s.lock, err = lockDir(dir); err != nil {
		return "", err
	}
	s.postgres, err = local.New(local.Config{Dir: dir, Volatile: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	return s.postgres.Start(ctx)
}

// fastParent is memory where there is enough of it: a copy of a database is some
// 400 files, which takes 10 ms there and 200 ms on a slow disk.
func fastParent() string {
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) >= 2<<30 {
		return memory
	}
	return "/tmp"
}

// sweep removes directories of test processes that were killed: those that
// nobody holds locked.
func sweep(parent string) error {
	found, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range found {
		// A directory without a lock file is one that is being made, or not ours.
		if _, err := os.Stat(filepath.Join(dir, "owner")); err != nil {
			continue
		}
		f, err := lockDir(dir)
		if err != nil {
			continue
		}
		_ = os.RemoveAll(dir) // what another user owns stays
		_ = f.Close()
	}
	return nil
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// makeTemplate migrates the database that all others are copies of.
func (s *server) makeTemplate(ctx context.Context) error {
	s.template = randomName("template")
	var version int
	if err := s.admin.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version >= 15_00_00 {
		s.strategy = " strategy file_copy" // the only one before 15, and the faster one
	}
	if _, err := s.admin.Exec(ctx, "create database "+s.template); err != nil {
		return err
	}
	db, err := database.Open(ctx, s.urlOf(s.template), database.Options{MaxOpen: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

// create makes one database and drops it when the test ends.
func (s *server) create(t testing.TB, migrated bool) string {
	t.Helper()
	name, template := randomName("test"), "template0"
	if migrated {
		template = s.template
	}
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	if _, err := s.admin.Exec(ctx, "create database "+name+" template "+template+s.strategy); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		if _, err := s.admin.Exec(ctx, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return s.urlOf(name)
}

func (s *server) urlOf(name string) string {
	u := *s.base
	u.Path = "/" + name
	return u.String()
}

// stop ends what start began; nothing when no test asked for a database.
func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	var errs []error
	if s.admin != nil {
		if s.postgres == nil && s.template != "" {
			_, err := s.admin.Exec(ctx, "drop database if exists "+s.template+" with (force)")
			errs = append(errs, err)
		}
		s.admin.Close()
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop(ctx))
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

func randomName(kind string) string {
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("dbtest: no randomness: " + err.Error())
	}
	return "coder_" + kind + "_" + hex.EncodeToString(b[:])
}
