package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// binaries is one installation of Postgres.
type binaries struct {
	dir      string // holds initdb and postgres
	major    int
	embedded bool // those that this program carries
}

// unmarked is the tree of embedded binaries that may not be on disk yet, else "".
func (b binaries) unmarked() string {
	if tree := filepath.Dir(b.dir); b.embedded && !isComplete(tree) {
		return tree
	}
	return ""
}

func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }
func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }

// systemPlaces is where packages put binaries that are not on PATH.
func systemPlaces() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // PostgreSQL's own packages for Red Hat
		"/usr/libexec/postgresql*",  // Alpine
		"/usr/lib/postgresql*/bin",  // SUSE
		"/opt/homebrew/opt/postgresql@*/bin",
	}
}

// findBinaries picks the installation to use: the embedded one, else one on
// PATH, else the newest of the system. With data of some major version (0 for
// none) only that version will do.
func (s *Server) findBinaries(ctx context.Context, major int) (binaries, error) {
	var seen []string
	try := func(dir string) (binaries, bool) {
		v, err := s.versionOf(ctx, dir)
		if err != nil {
			s.log.Warn("postgres binaries passed over", "dir", dir, "error", err)
			return binaries{}, false
		}
		seen = append(seen, fmt.Sprintf("%d in %s", v, dir))
		return binaries{dir: dir, major: v}, major == 0 || v == major
	}
	dir, err := s.unpack(ctx)
	if err != nil {
		s.log.Warn("embedded postgres binaries cannot be used", "error", err)
	} else if dir != "" {
		if b, ok := try(filepath.Join(dir, "bin")); ok {
			b.embedded = true
			return b, nil
		}
	}
	for _, dir := range systemDirs(systemPlaces()) {
		if b, ok := try(dir); ok {
			return b, nil
		}
	}
	if len(seen) > 0 {
		return binaries{}, fmt.Errorf("built-in postgres: the data in %s is of PostgreSQL %d, but found is only PostgreSQL %s; "+
			"install PostgreSQL %d, or dump the data with it and load the dump into the newer one through --postgres-url",
			s.DataDir(), major, strings.Join(seen, ", "), major)
	}
	return binaries{}, errors.New("no PostgreSQL binaries (initdb, postgres) that can run here: install PostgreSQL 13 or newer " +
		"(for example apt-get install postgresql), or give a server with --postgres-url")
}

// systemDirs lists directories that hold both programs: PATH first, then the
// places, newest version first.
func systemDirs(places []string) []string {
	var dirs, found []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range places {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue // only for a malformed pattern
		}
		found = append(found, matches...)
	}
	slices.SortStableFunc(found, func(a, b string) int { return numberIn(b) - numberIn(a) })
	dirs = append(dirs, found...)
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		for _, name := range []string{"initdb", "postgres"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
				return true
			}
		}
		return false
	})
	var once []string
	for _, dir := range dirs {
		if !slices.Contains(once, dir) {
			once = append(once, dir)
		}
	}
	return once
}

func numberIn(path string) int {
	n, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(path))
	if err != nil {
		return 0
	}
	return n
}

// versionOf runs `postgres -V` as the account, which proves at once that the
// account can run it and that its libraries are there.
func (s *Server) versionOf(ctx context.Context, dir string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := s.output(ctx, filepath.Join(dir, "postgres"), "-V")
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("unexpected answer of postgres -V: %.80q", out)
	}
	major, err := strconv.Atoi(string(m[1]))
	if err != nil || major < 13 {
		return 0, fmt.Errorf("PostgreSQL %s is too old, 13 or newer is needed", m[1])
	}
	return major, nil
}

// output runs a program as the account and returns what it prints; an error
// carries the last of what it printed.
func (s *Server) output(ctx context.Context, program string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = s.account.attributes()
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(out.String())
		if len(text) > 1000 {
			text = "…" + text[len(text)-1000:]
		}
		return nil, fmt.Errorf("%s as user %s: %w: %s", program, s.account.name, err, text)
	}
	return out.Bytes(), nil
}

// environment of everything we start: nothing of ours, messages in English.
func environment() []string { return []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TZ=UTC"} }
