//go:build linux

package servetest

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
)

// Password is that of every user that this package makes.
const Password = "correct-horse-battery"

// CLI is one person at one computer.
type CLI struct {
	t    testing.TB
	s    *Server
	Home string
	env  []string
	// enter is a command that runs the one behind it elsewhere.
	enter []string
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Person returns a person who is not signed in. Their home is below the server's
// directory.
func (s *Server) Person(t testing.TB) *CLI {
	t.Helper()
	home, err := os.MkdirTemp(s.Dir, "home-")
	require.NoError(t, err)
	c := &CLI{t: t, s: s, Home: home}
	c.enter = s.opts.Enter
	c.env = []string{"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8",
		"CODER_CONFIG_DIR=" + filepath.Join(home, ".config", "coderv2")}
	if s.CA != "" {
		c.env = append(c.env, "CODER_CLIENT_TLS_CA_FILE="+s.CA)
	}
	return c
}

// Admin makes the first user and signs in.
func (s *Server) Admin(t testing.TB) *CLI {
	t.Helper()
	c := s.Person(t)
	c.login("admin")
	return c
}

// User makes a user, by way of the admin, and signs in.
func (s *Server) User(t testing.TB, admin *CLI, name string) *CLI {
	t.Helper()
	admin.OK("users", "create", "--username", name, "--email", name+"@example.com", "--password", Password)
	c := s.Person(t)
	c.login(name)
	return c
}

func (c *CLI) login(name string) {
	c.t.Helper()
	signing := *c
	signing.env = append(signing.env[:len(signing.env):len(signing.env)], "CODER_FIRST_USER_EMAIL="+name+"@example.com",
		"CODER_FIRST_USER_USERNAME="+name, "CODER_FIRST_USER_PASSWORD="+Password)
	signing.OK("login", c.s.URL.String())
}

// Env is the environment of the person's commands.
func (c *CLI) Env() []string { return c.env }

// Command prepares a command of the product; the caller starts it.
func (c *CLI) Command(args ...string) *exec.Cmd {
	ctx, stop := context.WithTimeout(context.Background(), Patience)
	c.t.Cleanup(stop)
	argv := append(append(append([]string(nil), c.enter...), binary), args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = c.env, c.Home, 5*time.Second
	return cmd
}

// Pipe runs a command with an input.
func (c *CLI) Pipe(stdin io.Reader, args ...string) Result {
	c.t.Helper()
	cmd := c.Command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		c.t.Fatalf("coder %s: %v", strings.Join(args, " "), err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Run runs a command.
func (c *CLI) Run(args ...string) Result {
	c.t.Helper()
	return c.Pipe(nil, args...)
}

// OK runs a command that must succeed and returns its output.
func (c *CLI) OK(args ...string) string {
	c.t.Helper()
	r := c.Run(args...)
	require.Zero(c.t, r.Code, "coder %s: %s%s", strings.Join(args, " "), r.Stdout, r.Stderr)
	return r.Stdout
}

// Fails runs a command that must not succeed and returns its errors.
func (c *CLI) Fails(args ...string) string {
	c.t.Helper()
	r := c.Run(args...)
	require.Equal(c.t, 1, r.Code, "coder %s: %s%s", strings.Join(args, " "), r.Stdout, r.Stderr)
	return r.Stderr
}

// Client returns an API client that is signed in as the person.
func (c *CLI) Client() *client.Client {
	c.t.Helper()
	token := strings.TrimSpace(c.OK("login", "token"))
	tr, err := client.NewTransport(client.TLSFiles{CA: c.s.CA})
	require.NoError(c.t, err)
	c.t.Cleanup(tr.CloseIdleConnections)
	return client.New(c.s.URL, client.WithToken(api.Secret(token)), client.WithTransport(tr))
}

// PushStarter uploads a starter template under its own name.
func (c *CLI) PushStarter(id string) {
	c.t.Helper()
	dir := filepath.Join(c.Home, id)
	c.OK("templates", "init", "--id", id, dir)
	c.OK("templates", "push", id, "-d", dir, "-y")
}

// WriteTemplate writes a template of one file and returns its directory.
func (c *CLI) WriteTemplate(name, content string) string {
	c.t.Helper()
	dir := filepath.Join(c.Home, name)
	require.NoError(c.t, os.MkdirAll(dir, 0o700))
	require.NoError(c.t, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(content), 0o600))
	return dir
}

// At returns the same person at another place; see Options.Enter.
func (c *CLI) At(t testing.TB, enter []string, env ...string) *CLI {
	there := *c
	there.t, there.enter = t, enter
	there.Setenv(env...)
	return &there
}

// Setenv adds to the environment of the person's later commands.
func (c *CLI) Setenv(pairs ...string) { c.env = append(c.env[:len(c.env):len(c.env)], pairs...) }
