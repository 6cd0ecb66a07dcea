//go:build linux

package serve_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/coderd/externalauth/externalauthtest"
)

// TestExternalAuth: a template that needs a sign-in, the way there, Terraform with
// the token, and Git over HTTP in the workspace.
func TestExternalAuth(t *testing.T) {
	t.Parallel()
	p := externalauthtest.New(t)
	repos := t.TempDir()
	p.Set(func(m *externalauthtest.Mode) { m.Life, m.Repos = 3600, repos })
	out, err := exec.Command("git", "init", "-q", "--bare", filepath.Join(repos, "repo.git")).CombinedOutput()
	require.NoError(t, err, string(out))
	conf := p.Config()
	env := "CODER_EXTERNAL_AUTH_0_"
	s := servetest.Start(t, servetest.Options{Env: []string{env + "ID=" + conf.ID, env + "TYPE=" + conf.Type, env + "CLIENT_ID=" + conf.ClientID,
		env + "CLIENT_SECRET=" + conf.ClientSecret.Reveal(), env + "AUTH_URL=" + conf.AuthURL, env + "TOKEN_URL=" + conf.TokenURL,
		env + "VALIDATE_URL=" + conf.ValidateURL, env + "SCOPES=repo", env + "REGEX=" + conf.Regex, env + "DISPLAY_NAME=The Forge"}})
	require.NotContains(t, s.Log(), "not a server option")
	c := s.Admin(t)
	dir := filepath.Join(c.Home, "forged")
	c.OK("templates", "init", "--id", "host", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "auth.tf"), []byte(`
data "coder_external_auth" "forge" {
  id = "forge"
}
resource "coder_env" "forge" {
  agent_id = coder_agent.main.id
  name     = "FORGE_TOKEN"
  value    = data.coder_external_auth.forge.access_token
}
`), 0o600))
	c.OK("templates", "push", "forged", "-d", dir, "-y")
	require.Contains(t, c.OK("external-auth", "list"), "The Forge  no")
	page := s.URL.String() + "/external-auth/forge"
	require.Contains(t, c.Fails("create", "demo", "--template", "forged", "--use-parameter-defaults", "-y"),
		"This template needs a sign-in to The Forge. Sign in at "+page+" and try again.")

	token := strings.TrimSpace(c.OK("login", "token"))
	browser := externalauthtest.NewBrowser(t, s.URL.String(), token)
	status, _, body := browser.Do(http.MethodGet, page)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Sign in to The Forge")
	browser.SignIn("forge")
	require.Contains(t, c.OK("external-auth", "list"), "The Forge  yes")
	c.OK("create", "demo", "--template", "forged", "--use-parameter-defaults", "-y")
	given := strings.TrimSpace(c.OK("ssh", "demo", "--", "echo $FORGE_TOKEN"))
	require.True(t, p.Good(given))
	require.Equal(t, given+"\n", c.OK("ssh", "demo", "--", `"$GIT_ASKPASS" external-auth access-token forge`))

	// Git: the page is named, Git waits, and goes on after the sign-in.
	p.Revoke(true)
	_, err = c.Client().UnlinkExternalAuth(t.Context(), "forge")
	require.NoError(t, err)
	clone := c.Command("ssh", "demo", "--", "rm -rf repo && GIT_TERMINAL_PROMPT=0 git clone -q "+p.Server.URL+"/git/repo.git repo && cd repo && "+
		"git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m first && git push -q origin HEAD:main && git ls-remote origin main")
	said := &watched{told: make(chan struct{}), want: "sign in for Git to go on: " + page}
	var stdout bytes.Buffer
	clone.Stdout, clone.Stderr = &stdout, said
	require.NoError(t, clone.Start())
	select {
	case <-said.told:
	case <-time.After(servetest.Patience):
		t.Fatal("nobody was asked to sign in")
	}
	browser.SignIn("forge")
	require.NoError(t, clone.Wait(), "%s", said.text.String())
	require.Contains(t, stdout.String(), "refs/heads/main")
	require.Equal(t, 1, strings.Count(said.text.String(), page))
	c.OK("delete", "demo", "-y")
}

// watched closes told once want was written. Only one writer may use it.
type watched struct {
	text strings.Builder
	want string
	told chan struct{}
	done bool
}

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.text.Write(p)
	if !w.done && strings.Contains(w.text.String(), w.want) {
		w.done = true
		close(w.told)
	}
	return len(p), nil
}
