package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/clitest"
)

func TestParseWorkspace(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]cli.Workspace{
		"ws":           {Owner: "me", Name: "ws"},
		"alice/ws":     {Owner: "alice", Name: "ws"},
		"alice/ws.dev": {Owner: "alice", Name: "ws", Agent: "dev"},
		"ws.main_1":    {Owner: "me", Name: "ws", Agent: "main_1"},
	} {
		got, err := cli.ParseWorkspace(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, bad := range []string{"", "/", "a/", "/ws", "a/b/c", "ws.", "-ws", "ws-", "w s", "..", "a/..", "ws.a.b", "ws\x1b[0m"} {
		_, err := cli.ParseWorkspace(bad)
		require.Error(t, err, bad)
	}
}

func TestParseHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]cli.Workspace{
		"ws.coder":            {Owner: "me", Name: "ws"},
		"ws.alice.coder":      {Owner: "alice", Name: "ws"},
		"main.ws.alice.coder": {Owner: "alice", Name: "ws", Agent: "main"},
		"coder.ws":            {Owner: "me", Name: "ws"},
		"coder.ws.main":       {Owner: "me", Name: "ws", Agent: "main"},
		"coder.alice--ws":     {Owner: "alice", Name: "ws"},
		"alice--ws--main":     {Owner: "alice", Name: "ws", Agent: "main"},
		"alice/ws":            {Owner: "alice", Name: "ws"},
		"ws":                  {Owner: "me", Name: "ws"},
	} {
		got, err := cli.ParseHost(in, "coder.", "coder")
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	_, err := cli.ParseHost("a.b.c.d.coder", "coder.", "coder")
	require.Error(t, err)
}

func FuzzParseHost(f *testing.F) {
	f.Add("main.ws.alice.coder")
	f.Add("coder.a--b--c")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := cli.ParseHost(s, "coder.", "coder")
		if err == nil && (w.Name == "" || w.Owner == "" || strings.ContainsAny(w.Name+w.Owner+w.Agent, "/.\x00 %?#")) {
			t.Fatalf("%q parsed to %+v", s, w)
		}
	})
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"90m": 90 * time.Minute, "30d": 720 * time.Hour, "1y": 8760 * time.Hour,
		"1d12h": 36 * time.Hour, "1y1d1h": 8785 * time.Hour} {
		got, err := cli.ParseDuration(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, bad := range []string{"", "d", "x", "1dd", "-1d", "999999y", "1w"} {
		_, err := cli.ParseDuration(bad)
		require.Error(t, err, bad)
	}
}

func TestInert(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain\ttext":           "plain\ttext",
		"\x1b[31mred\x1b[0m":    "red",
		"\x1b]0;title\x07after": "after",
		"\x1b]8;;u\x1b\\link":   "link",
		"a\r\nb\x00c\u202ed":    "abcd",
		"cut\x1b[":              "cut",
		"cut\x1b":               "cut",
		"\u009b31mx":            "x",
		"grün ✓":                "grün ✓",
	} {
		require.Equal(t, want, cli.Inert(in), "%q", in)
	}
}

func FuzzInert(f *testing.F) {
	f.Add("\x1b[31m")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(cli.Inert(s), "\x1b\x07\r\n\x00\x7f") {
			t.Fatalf("%q stays dangerous", s)
		}
	})
}

func TestTableIsAligned(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, cli.Table(&b, [][]string{{"NAME", "STATUS", "X"}, {"grün", "on", ""}, {"b", "running", "1"}}))
	require.Equal(t, "NAME  STATUS   X\ngrün  on\nb     running  1\n", b.String())
}

func user(t *testing.T, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, clitest.Token, r.Header.Get(api.SessionTokenHeader))
		clitest.JSON(200, api.User{Username: name, ID: api.MustParseID("11111111-2222-4333-8444-555555555555")})(w, r)
	}
}

func TestWhoamiFormats(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/users/me": user(t, "alice")})
	require.Contains(t, c.Run("whoami").Stdout, "you are signed in as alice.")
	r := c.Run("whoami", "-o", "table", "-c", "username,id")
	require.Equal(t, "USERNAME  ID\nalice     11111111-2222-4333-8444-555555555555\n", r.Stdout)
	orgs := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/users/me": user(t, "alice"),
		"GET /api/v2/users/me/organizations": clitest.JSON(200, []api.Organization{{Name: "coder"}, {Name: "research"}})})
	require.Equal(t, "USERNAME  ORGS\nalice     coder, research\n", orgs.Run("whoami", "-o", "table", "-c", "username,orgs").Stdout)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.Run("whoami", "-o", "json").Stdout), &rows))
	require.Equal(t, "alice", rows[0]["username"])
	bad := c.Run("whoami", "-o", "table", "-c", "nope")
	require.Equal(t, 1, bad.Code)
	require.Contains(t, bad.Stderr, `There is no column "nope"`)
}

func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/users/me": user(t, "alice")})
	other := clitest.Server(t, map[string]http.HandlerFunc{"GET /api/v2/users/me": user(t, "bob")})
	require.Contains(t, c.Run("whoami").Stdout, "alice")
	c.Env["CODER_URL"] = other.URL
	require.Contains(t, c.Run("whoami").Stdout, "bob")
	b, err := os.ReadFile(filepath.Join(c.Dir, "url"))
	require.NoError(t, err)
	require.Contains(t, c.Run("whoami", "--url", string(b)).Stdout, "alice")
	c.Env["CODER_FORCE_TTY"] = "maybe"
	r := c.Run("whoami")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "$CODER_FORCE_TTY")
}

func TestErrorsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	for args, want := range map[string]string{
		"lst":            `error: unknown command "lst" for "coder"; did you mean list`,
		"templates pusg": "did you mean push",
		"list --nope":    "unknown flag: --nope",
		"show":           "missing argument <workspace>",
		"show a b":       `unexpected argument "b"`,
		"list":           "You are not signed in. Sign in with: coder login <url>",
		"list -o xml":    "must be one of table, json",
	} {
		r := c.Run(strings.Fields(args)...)
		require.Equal(t, 1, r.Code, args)
		require.Contains(t, r.Stderr, want, args)
		require.Empty(t, r.Stdout, args)
	}
}

func TestServerErrorsNameFieldsAndRemedy(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, map[string]http.HandlerFunc{
		"GET /api/v2/users/me": clitest.Fail(401, "unauthenticated", "The session has \x1b[31mexpired."),
	})
	r := c.Run("whoami")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "error: The session has expired.\n  Sign in with: coder login http://127.0.0.1:")
	c.Env["CODER_URL"] = "http://127.0.0.1:1"
	r = c.Run("whoami")
	require.Contains(t, r.Stderr, "error: cannot reach http://127.0.0.1:1: dial tcp")
	require.Contains(t, r.Stderr, "--url or CODER_URL")
}

func TestVersionAsksNobody(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	c.Env["CODER_URL"] = "http://127.0.0.1:1"
	for _, args := range [][]string{{"version"}, {"--version"}} {
		r := c.Run(args...)
		require.Zero(t, r.Code)
		require.True(t, strings.HasPrefix(r.Stdout, "Coder v"), r.Stdout)
	}
	require.Contains(t, c.Run("--help").Stdout, "templates")
}

func TestHeadersAndHeaderCommand(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/users/me": func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "1", r.Header.Get("X-One"))
		require.Equal(t, "a=b", r.Header.Get("X-Two"))
		clitest.JSON(200, api.User{Username: "alice"})(w, r)
	}})
	r := c.Run("whoami", "--header", "X-One=1", "--header-command", "printf 'X-Two=a=b\\n'")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, c.Run("whoami", "--header", "X-One").Stderr, "name=value")
}
