//go:build unix

package gitssh_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/cmd/internal/cli/gitssh"
)

// TestMain is the binary that Git starts instead of ssh.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_CODER") != "" {
		os.Exit(cli.Main(context.Background(), cli.OS(), os.Args[1:], gitssh.Command))
	}
	os.Exit(m.Run())
}

type pair struct {
	public  ssh.PublicKey
	private string
}

func newPair(t *testing.T) pair {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	public, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(priv, "")
	require.NoError(t, err)
	return pair{public, string(pem.EncodeToMemory(block))}
}

func (p pair) line() string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p.public))) }

// gitServer is an SSH server that runs what it is asked to for one key, and notes
// in which order keys were offered.
type gitServer struct {
	addr string

	mu      sync.Mutex // guards offered
	offered []string
}

func serveGit(t *testing.T, allowed ssh.PublicKey) *gitServer {
	t.Helper()
	g := &gitServer{}
	conf := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.offered = append(g.offered, ssh.FingerprintSHA256(key))
		if bytes.Equal(key.Marshal(), allowed.Marshal()) {
			return nil, nil
		}
		return nil, errors.New("unknown key")
	}}
	host, err := ssh.ParsePrivateKey([]byte(newPair(t).private))
	require.NoError(t, err)
	conf.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g.addr = l.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serveConn(c, conf) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return g
}

func serveConn(c net.Conn, conf *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		ch, requests, err := n.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			if r.Type != "exec" {
				_ = r.Reply(false, nil)
				continue
			}
			_ = r.Reply(true, nil)
			cmd := exec.Command("sh", "-c", string(r.Payload[4:]))
			cmd.Stdin, cmd.Stdout, cmd.Stderr = ch, ch, ch.Stderr()
			_ = cmd.Run()
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(cmd.ProcessState.ExitCode())}))
			_ = ch.Close()
		}
	}
}

func (g *gitServer) offers() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.offered...)
}

// box is a workspace whose server answers with h.
type box struct {
	*testing.T
	dir, config, tmp string
	env              []string
}

func newBox(t *testing.T, own pair, h http.HandlerFunc) *box {
	t.Helper()
	for _, tool := range []string{"ssh", "git"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err)
	}
	srv := clitest.Server(t, map[string]http.HandlerFunc{"GET " + agentrpc.PathGitSSHKey: h})
	b := &box{T: t, dir: t.TempDir(), tmp: t.TempDir()}
	b.config = filepath.Join(b.dir, "config")
	key := filepath.Join(b.dir, "own")
	require.NoError(t, os.WriteFile(key, []byte(own.private), 0o600))
	require.NoError(t, os.WriteFile(b.config, fmt.Appendf(nil, "Host *\n IdentityFile %s\n IdentityFile %s.absent\n"+
		" IdentityAgent none\n UserKnownHostsFile /dev/null\n StrictHostKeyChecking no\n LogLevel ERROR\n BatchMode yes\n", key, key), 0o600))
	b.env = append(os.Environ(), "TEST_AS_CODER=1", "CODER_AGENT_TOKEN=the-token", "CODER_AGENT_URL="+srv.URL,
		"HOME="+b.dir, "TMPDIR="+b.tmp, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_SSH_COMMAND='"+os.Args[0]+"' gitssh -- -F "+b.config)
	return b
}

// run runs a command and returns its status and what it printed.
func (b *box) run(name string, args ...string) (int, string, string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), name, args...)
	cmd.Env, cmd.Dir = b.env, b.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(b, err, &exit)
	}
	left, err := os.ReadDir(b.tmp)
	require.NoError(b, err)
	require.Empty(b, left, "the key is still there")
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func (b *box) ssh(g *gitServer, command string) (int, string, string) {
	host, port, _ := net.SplitHostPort(g.addr)
	return b.run(os.Args[0], "gitssh", "--", "-F", b.config, "-p", port, "git@"+host, command)
}

func gives(t *testing.T, p pair) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(api.SessionTokenHeader) != "the-token" {
			t.Errorf("token %q", r.Header.Get(api.SessionTokenHeader))
		}
		clitest.JSON(http.StatusOK, agentrpc.GitKeyPair{PublicKey: p.line(), PrivateKey: api.Secret(p.private)})(w, r)
	}
}

// TestClone: git itself fetches and pushes through the command.
func TestClone(t *testing.T) {
	t.Parallel()
	own, given := newPair(t), newPair(t)
	g := serveGit(t, given.public)
	b := newBox(t, own, gives(t, given))
	repo := filepath.Join(t.TempDir(), "repo.git")
	for _, args := range [][]string{
		{"init", "-q", "--bare", repo},
		{"clone", "-q", "ssh://git@" + g.addr + repo, "work"},
		{"-C", "work", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "first"},
		{"-C", "work", "push", "-q", "origin", "HEAD:main"},
		{"clone", "-q", "-b", "main", "ssh://git@" + g.addr + repo, "again"},
	} {
		code, _, errs := b.run("git", args...)
		require.Zero(t, code, "git %v: %s", args, errs)
	}
	require.Contains(t, g.offers(), ssh.FingerprintSHA256(own.public), "the user's own key is tried")
}

func TestStatusAndOwnKeysFirst(t *testing.T) {
	t.Parallel()
	own, given := newPair(t), newPair(t)
	g := serveGit(t, own.public)
	b := newBox(t, own, gives(t, given))
	code, out, errs := b.ssh(g, "echo hello; exit 7")
	require.Equal(t, 7, code, errs)
	require.Equal(t, "hello\n", out)
	require.Empty(t, errs)
	require.NotContains(t, g.offers(), ssh.FingerprintSHA256(given.public))
}

func TestRefusedKeyIsNamed(t *testing.T) {
	t.Parallel()
	own, given := newPair(t), newPair(t)
	g := serveGit(t, newPair(t).public)
	b := newBox(t, own, gives(t, given))
	code, _, errs := b.ssh(g, "true")
	require.Equal(t, 255, code)
	require.Contains(t, errs, "Permission denied")
	require.Contains(t, errs, given.line())
	require.Contains(t, errs, "Add this line to your account")
	require.Equal(t, []string{ssh.FingerprintSHA256(own.public), ssh.FingerprintSHA256(given.public)}, g.offers())
}

func TestServerThatGivesNoKey(t *testing.T) {
	t.Parallel()
	own := newPair(t)
	g := serveGit(t, own.public)
	b := newBox(t, own, clitest.Fail(http.StatusForbidden, "forbidden", "The template keeps the owner's data from this agent."))
	code, out, errs := b.ssh(g, "echo fine")
	require.Zero(t, code, errs)
	require.Equal(t, "fine\n", out)
	require.Contains(t, errs, "trying your own keys: The template keeps")
}

func TestOutsideOfWorkspace(t *testing.T) {
	t.Parallel()
	r := clitest.New(t).Run("gitssh", "--", "git@example.com")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "inside of a workspace")
	require.Contains(t, clitest.New(t).Run("gitssh").Stderr, "missing argument <ssh arguments>")
}
