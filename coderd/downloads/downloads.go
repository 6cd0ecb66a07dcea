// Package downloads serves the small binaries that workspaces and laptops fetch
// from /bin/, and the scripts that fetch them.
//
// It takes them from a directory, or from an archive inside the program (build
// tag embed_bin) that it unpacks once below the cache directory. What neither has
// for the server's own platform is the server's own executable, so that a plain
// `go build` is enough on one host.
//
// It serves names of one form only and never a path. It keeps the SHA-1 sums of
// what it serves in memory; a changed file is summed again.
package downloads

import (
	"context"
	"crypto/sha1" //nolint:gosec // clients of the reference know SHA-1 as the ETag; it guards nothing
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/initscript"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/memory"
)

// Options of New. Log, CacheDir and AccessURL are required.
type Options struct {
	Log *slog.Logger
	// Dir holds ready binaries; empty means none.
	Dir string
	// CacheDir is where the embedded archive is unpacked.
	CacheDir string
	// AccessURL is filled into init scripts.
	AccessURL string
	// Executable is the program served as a last resort; empty means this one.
	Executable string
}

// Service serves binaries and init scripts. Use New.
type Service struct {
	opts Options
	log  *slog.Logger

	unpackOnce sync.Once
	unpacked   string // the directory of the archive's content, "" when there is none

	mu   sync.Mutex // guards sums
	sums map[string]sum
}

// sum is what a file had when it was read.
type sum struct {
	size  int64
	mtime time.Time
	hex   string
}

// New returns a Service. It reads nothing yet.
func New(o Options) (*Service, error) {
	if o.Log == nil || o.CacheDir == "" || o.AccessURL == "" {
		return nil, errors.New("downloads: Options needs Log, CacheDir and AccessURL")
	}
	if o.Executable == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own executable: %w", err)
		}
		o.Executable = self
	}
	return &Service{opts: o, log: o.Log.With("component", "downloads"), sums: map[string]sum{}}, nil
}

// names are the only files that are ever served or unpacked.
var names = regexp.MustCompile(`^coder-(linux-(amd64|arm64|armv7)|darwin-(amd64|arm64)|windows-(amd64|arm64)\.exe)(\.asc)?$`)

// ownName is the name of the binary for this host.
func ownName() string {
	arch := runtime.GOARCH
	if arch == "arm" {
		arch = "armv7"
	}
	name := "coder-" + runtime.GOOS + "-" + arch
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name
}

// find returns the path of a file to serve.
func (s *Service) find(name string) (string, bool) {
	if !names.MatchString(name) {
		return "", false
	}
	for _, dir := range []string{s.opts.Dir, s.archiveDir()} {
		if dir == "" {
			continue
		}
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
	}
	if name == ownName() {
		return s.opts.Executable, true
	}
	return "", false
}

// available lists what can be fetched.
func (s *Service) available() []string {
	out := []string{ownName()}
	for _, dir := range []string{s.opts.Dir, s.archiveDir()} {
		if dir == "" {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a directory that cannot be read has nothing to offer
		}
		for _, e := range entries {
			if names.MatchString(e.Name()) {
				out = append(out, e.Name())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// archiveDir returns the directory of the embedded binaries, unpacked at the
// first call; "" when the program has none or they cannot be unpacked.
func (s *Service) archiveDir() string {
	s.unpackOnce.Do(func() {
		if len(archive) == 0 {
			return
		}
		defer memory.Forget(archive)
		dir, err := unpack(archive, s.opts.CacheDir)
		if err != nil {
			s.log.Error("embedded binaries cannot be unpacked", "error", err)
			return
		}
		s.unpacked = dir
	})
	return s.unpacked
}

// Binary serves GET /bin/{name}.
func (s *Service) Binary(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/bin/")
		if name == "coder.sha1" {
			s.serveSums(a, w, r)
			return
		}
		path, ok := s.find(name)
		if !ok {
			a.WriteError(w, r, &api.Error{Code: api.CodeNotFound,
				Message: "This server has no such binary. It has: " + strings.Join(s.available(), ", ") + "."})
			return
		}
		if err := s.serve(w, r, path); err != nil {
			a.WriteError(w, r, err)
		}
	})
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open binary: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open binary: %w", err)
	}
	hash, err := s.sum(path, f, info)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+hash+`"`)
	h.Set("X-Original-Content-Length", strconv.FormatInt(info.Size(), 10))
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// sum returns the SHA-1 of an open file and rewinds it.
func (s *Service) sum(path string, f io.ReadSeeker, info fs.FileInfo) (string, error) {
	s.mu.Lock()
	known, ok := s.sums[path]
	s.mu.Unlock()
	if ok && known.size == info.Size() && known.mtime.Equal(info.ModTime()) {
		return known.hex, nil
	}
	h := sha1.New() //nolint:gosec // see the import
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("sum binary: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("rewind binary: %w", err)
	}
	now := sum{size: info.Size(), mtime: info.ModTime(), hex: hex.EncodeToString(h.Sum(nil))}
	s.mu.Lock()
	s.sums[path] = now
	s.mu.Unlock()
	return now.hex, nil
}

// serveSums answers with a line for each binary, as sha1sum writes them.
func (s *Service) serveSums(a *httpapi.API, w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	for _, name := range s.available() {
		path, ok := s.find(name)
		if !ok {
			continue
		}
		hash, err := s.sumOf(path)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		b.WriteString(hash + "  " + name + "\n")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, b.String()) // the client is gone: nobody is left to tell
}

func (s *Service) sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open binary: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("open binary: %w", err)
	}
	return s.sum(path, f, info)
}

// ScriptInput names a platform.
type ScriptInput struct {
	OS   string `path:"os"`
	Arch string `path:"arch"`
}

// ScriptOutput is a script as text.
type ScriptOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// HandleInitScript answers GET /api/v2/init-script/{os}/{arch}.
func (s *Service) HandleInitScript(_ context.Context, in *ScriptInput) (*ScriptOutput, error) {
	script, ok := initscript.Render(in.OS, in.Arch)
	if !ok {
		var known []string
		for _, p := range initscript.Platforms() {
			known = append(known, p.OS+"/"+p.Arch)
		}
		return nil, &api.Error{Code: api.CodeNotFound,
			Message: "There is no agent for this platform. There is one for: " + strings.Join(known, ", ") + "."}
	}
	return &ScriptOutput{ContentType: "text/plain; charset=utf-8",
		Body: []byte(initscript.Fill(script, s.opts.AccessURL, "token"))}, nil
}
