package plain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// Postgres makes and starts clusters with the binaries in Bin.
type Postgres struct {
	Bin string // holds initdb and postgres
	Dir string // existing directory that everybody can enter
	// UID and GID run it when we are root.
	UID, GID uint32
}

// FindPostgres looks for binaries below cache, where the server unpacks its own,
// then on PATH and where Debian puts them.
func FindPostgres(cache string) (string, error) {
	found := ""
	err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if found == "" && d.Name() == "initdb" && !d.IsDir() {
			found = filepath.Dir(path)
			return fs.SkipAll
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for postgres: %w", err)
	}
	if found != "" {
		return found, nil
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(real), nil
		}
	}
	if dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin"); err == nil && len(dirs) > 0 {
		return dirs[len(dirs)-1], nil
	}
	return "", errors.New("no postgres: neither one of the server nor one of the system")
}

// Account returns who runs Postgres when we are root: the user postgres, else
// nobody.
func Account() (uid, gid uint32, err error) {
	if os.Geteuid() != 0 {
		return 0, 0, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		a, err1 := strconv.ParseUint(u.Uid, 10, 32)
		b, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return uint32(a), uint32(b), errors.Join(err1, err2)
	}
	return 0, 0, errors.New("neither a user postgres nor nobody: Postgres does not run as root")
}

// Cold makes a cluster and starts it, and returns how long it took until it
// accepted connections. The cluster stays, stopped, for Warm.
func (p *Postgres) Cold(ctx context.Context, name string) (time.Duration, error) {
	data, run := p.dirs(name)
	for _, d := range []string{data, run} {
		if err := os.MkdirAll(filepath.Dir(d), 0o711); err != nil {
			return 0, err
		}
		if err := os.Mkdir(d, 0o700); err != nil {
			return 0, err
		}
		if p.UID != 0 {
			if err := os.Chown(d, int(p.UID), int(p.GID)); err != nil {
				return 0, err
			}
		}
	}
	r, err := proc.Run(ctx, p.spec("initdb", "-D", data, "-U", "coder", "--auth=trust", "-E", "UTF8", "--locale=C"))
	if err != nil {
		return 0, err
	}
	warm, err := p.Warm(ctx, name)
	return r.Wall + warm, err
}

// Warm starts a cluster that exists, and returns how long it took until it
// accepted connections. It is stopped again.
func (p *Postgres) Warm(ctx context.Context, name string) (time.Duration, error) {
	data, run := p.dirs(name)
	start := time.Now()
	server, err := proc.Start("postgres", filepath.Join(p.Dir, name, "log"),
		p.spec("postgres", "-D", data, "-k", run, "-c", "listen_addresses=", "-c", "shared_buffers=64MB"))
	if err != nil {
		return 0, err
	}
	err = proc.Until(ctx, "postgres", time.Millisecond, time.Minute, func() (bool, error) {
		select {
		case <-server.Done():
			return false, server.Ended()
		default:
			return accepting(filepath.Join(data, "postmaster.pid")), nil
		}
	})
	took := time.Since(start)
	return took, errors.Join(err, server.Stop(syscall.SIGINT, 20*time.Second))
}

// accepting reads the last line of the postmaster's file, as pg_ctl does.
func accepting(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready"
}

func (p *Postgres) dirs(name string) (data, run string) {
	return filepath.Join(p.Dir, name, "data"), filepath.Join(p.Dir, name, "run")
}

func (p *Postgres) spec(program string, args ...string) proc.Spec {
	return proc.Spec{Path: filepath.Join(p.Bin, program), Args: args, Dir: "/", UID: p.UID, GID: p.GID,
		Env: []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TZ=UTC"}}
}
