package login_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
)

func deployment(t *testing.T) (map[string]http.HandlerFunc, *atomic.Bool) {
	t.Helper()
	var exists atomic.Bool
	return map[string]http.HandlerFunc{
		"GET /api/v2/users/first": func(w http.ResponseWriter, r *http.Request) {
			if !exists.Load() {
				clitest.Fail(404, "not_found", "There is no user yet.")(w, r)
				return
			}
			clitest.JSON(200, api.Response{Message: "There is."})(w, r)
		},
		"POST /api/v2/users/first": func(w http.ResponseWriter, r *http.Request) {
			exists.Store(true)
			clitest.JSON(201, api.CreateFirstUserResponse{})(w, r)
		},
		"POST /api/v2/users/login": func(w http.ResponseWriter, r *http.Request) {
			var in map[string]string
			require.NoError(t, json.NewDecoder(r.Body).Decode(&in))
			if in["password"] != "right" {
				clitest.Fail(401, "unauthenticated", "E-mail or password is wrong.")(w, r)
				return
			}
			clitest.JSON(201, map[string]string{"session_token": clitest.Token})(w, r)
		},
		"POST /api/v2/users/logout": clitest.JSON(200, api.Response{}),
		"GET /api/v2/users/me": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(api.SessionTokenHeader) != clitest.Token {
				clitest.Fail(401, "unauthenticated", "No.")(w, r)
				return
			}
			clitest.JSON(200, api.User{Username: "admin"})(w, r)
		},
	}, &exists
}

func TestFirstUserThenPasswordThenLogout(t *testing.T) {
	t.Parallel()
	routes, _ := deployment(t)
	srv := clitest.Server(t, routes)
	c := clitest.New(t)
	r := c.Run("login", srv.URL)
	require.Contains(t, r.Stderr, "--first-user-username")
	first := []string{"login", srv.URL, "--first-user-username", "admin", "--first-user-email", "a@b.c", "--first-user-password", "right"}
	r = c.Run(first...)
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "as admin.")
	st, err := os.Stat(filepath.Join(c.Dir, "session"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, st.Mode().Perm())
	require.Equal(t, clitest.Token+"\n", c.Run("login", "token").Stdout)
	require.Zero(t, c.Run(first...).Code, "a second run signs in")

	require.Zero(t, c.Run("logout", "-y").Code)
	require.Contains(t, c.Run("whoami").Stderr, "Sign in with: coder login "+srv.URL)

	c.Stdin = strings.NewReader("a@b.c\nright\n")
	r = c.Run("login", "--force-tty")
	require.Zero(t, r.Code, r.Stderr)
	c.Stdin = strings.NewReader("a@b.c\nwrong\n")
	r = c.Run("login", "--force-tty")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "E-mail or password is wrong.")
}

func TestTokenAsSession(t *testing.T) {
	t.Parallel()
	routes, exists := deployment(t)
	exists.Store(true)
	srv := clitest.Server(t, routes)
	c := clitest.New(t)
	c.Env["CODER_SESSION_TOKEN"] = clitest.Token
	require.Zero(t, c.Run("login", srv.URL, "--use-token-as-session").Code)
	c.Env["CODER_SESSION_TOKEN"] = "wrong"
	require.Equal(t, 1, c.Run("login", srv.URL, "--use-token-as-session").Code)
	delete(c.Env, "CODER_SESSION_TOKEN")
	require.Contains(t, c.Run("whoami").Stdout, "admin", "a token that does not work is not stored")
}
