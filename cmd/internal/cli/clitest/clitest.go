// Package clitest runs commands in tests: against a server over real HTTP, with
// a configuration directory of their own, and streams that are kept.
package clitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/commands"
	"coder.internal/internal/clock"
)

// Token is the session token that Signed stores.
const Token = "abcdefghij-0123456789012345678901"

// Result is what a command left behind.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// CLI is a user's computer.
type CLI struct {
	t     testing.TB
	Dir   string // configuration directory
	Home  string
	Env   map[string]string
	Stdin io.Reader
	Hooks commands.Hooks
}

// New returns a computer that nobody has signed in on.
func New(t testing.TB) *CLI {
	t.Helper()
	return &CLI{t: t, Dir: filepath.Join(t.TempDir(), "conf"), Home: t.TempDir(), Env: map[string]string{}, Stdin: strings.NewReader("")}
}

// Signed returns a computer that is signed in to a server with these routes.
func Signed(t testing.TB, routes map[string]http.HandlerFunc) *CLI {
	t.Helper()
	c := New(t)
	srv := Server(t, routes)
	for name, content := range map[string]string{cli.FileURL: srv.URL, cli.FileSession: Token} {
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Server serves routes, whose keys are patterns of net/http. Anything else is a
// 404 of the API.
func Server(t testing.TB, routes map[string]http.HandlerFunc) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for p, h := range routes {
		mux.HandleFunc(p, h)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Fail(404, "not_found", r.Method+" "+r.URL.Path+" not found, or you have no access to it.")(w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// JSON answers with v.
func JSON(status int, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
}

// Fail answers with an error.
func Fail(status int, code, message string) http.HandlerFunc {
	return JSON(status, map[string]string{"code": code, "message": message})
}

// Run runs a command to its end.
func (c *CLI) Run(args ...string) Result {
	c.t.Helper()
	return c.RunContext(context.Background(), args...)
}

// RunContext is Run for commands that are told to end.
func (c *CLI) RunContext(ctx context.Context, args ...string) Result {
	var out, errs stream
	env := &cli.Env{Stdin: c.Stdin, Stdout: &out, Stderr: &errs, Getenv: func(k string) string { return c.Env[k] },
		Clock: clock.Real(), Home: c.Home, ConfigDir: c.Dir, Executable: "/usr/bin/coder"}
	code := cli.Main(ctx, env, args, commands.Client(c.Hooks)...)
	return Result{code, out.String(), errs.String()}
}

// stream is written by several at a time, as a file may be: by a command, and by what
// logs beside it.
type stream struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
