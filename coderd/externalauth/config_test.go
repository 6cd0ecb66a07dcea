package externalauth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func own(set func(*Config)) Config {
	c := Config{ID: "x", Type: "custom", ClientID: "id", ClientSecret: "secret", AuthURL: "https://a.example/authorize", TokenURL: "https://a.example/token"}
	set(&c)
	return c
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]Config{
		`provider 0: ID "a b" must be 1 to 64 letters`: {own(func(c *Config) { c.ID = "a b" })},
		`ID "" must be`:                                                {{ClientID: "x"}},
		`CLIENT_ID of "x" is missing`:                                  {own(func(c *Config) { c.ClientID = "" })},
		`CLIENT_SECRET of "x" is missing`:                              {own(func(c *Config) { c.ClientSecret = "" })},
		`AUTH_URL of "x" is missing, and the type "custom" has no`:     {own(func(c *Config) { c.AuthURL = "" })},
		`TOKEN_URL of "x" must be a URL`:                               {own(func(c *Config) { c.TokenURL = "ftp://x" })},
		`VALIDATE_URL of "x" must be a URL`:                            {own(func(c *Config) { c.ValidateURL = "https://u:p@x" })},
		`DEVICE_CODE_URL of "x" is missing`:                            {own(func(c *Config) { c.DeviceFlow = true })},
		`REGEX of "x" is not a regular expression`:                     {own(func(c *Config) { c.Regex = "(" })},
		`PKCE_METHODS of "x": "plain" is not S256 or none`:             {own(func(c *Config) { c.PKCEMethods = []string{"plain"} })},
		`provider 1: ID "X" is used twice`:                             {own(func(*Config) {}), own(func(c *Config) { c.ID = "X" })},
		`AUTH_URL of "bitbucket-server" is missing`:                    {{Type: "bitbucket-server", ClientID: "a", ClientSecret: "b"}},
		`provider 0: AUTH_URL of "azure-devops-entra" is missing, and`: {{Type: "azure-devops-entra", ClientID: "a", ClientSecret: "b"}},
	} {
		require.ErrorContains(t, Check(list), want)
	}
	require.ErrorContains(t, Check(make([]Config, maxProviders+1)), "at most 100")
}

// TestDefaults: types know their endpoints, and those of servers of one's own.
func TestDefaults(t *testing.T) {
	t.Parallel()
	of := func(c Config) *provider {
		c.ClientID, c.ClientSecret = "id", "secret"
		p, err := newProvider(c)
		require.NoError(t, err)
		return p
	}
	p := of(Config{Type: "GitHub"})
	require.Equal(t, "github", p.ID)
	require.Equal(t, "https://github.com/login/oauth/access_token", p.TokenURL)
	require.Equal(t, "https://github.com/login/device/code", p.DeviceCodeURL)
	require.Equal(t, "https://api.github.com/user", p.ValidateURL)
	require.Equal(t, "https://api.github.com/applications/id/token", p.RevokeURL)
	require.Equal(t, []string{"repo", "workflow"}, p.Scopes)
	require.True(t, p.matches("https://github.com/o/r"))

	p = of(Config{ID: "ghe", Type: "github", AuthURL: "https://git.corp.example/login/oauth/authorize"})
	require.Equal(t, "https://git.corp.example/api/v3/user", p.ValidateURL)
	require.Equal(t, "https://git.corp.example/login/oauth/access_token", p.TokenURL)
	require.True(t, p.matches("https://git.corp.example"))
	require.False(t, p.matches("https://github.com"))

	p = of(Config{ID: "gl", Type: "gitlab", AuthURL: "https://gl.corp.example/oauth/authorize"})
	require.Equal(t, "https://gl.corp.example/oauth/token/info", p.ValidateURL)
	require.Equal(t, "https://gl.corp.example/oauth/revoke", p.RevokeURL)

	p = of(Config{Type: "bitbucket-cloud", AuthURL: "https://elsewhere.example/authorize"})
	require.Empty(t, p.ValidateURL, "tokens do not go to another service")
	p = of(Config{Type: "azure-devops-entra", AuthURL: "https://login.microsoftonline.com/tenant/oauth2/authorize"})
	require.Equal(t, "https://login.microsoftonline.com/tenant/oauth2/token", p.TokenURL)
	require.True(t, p.matches("https://dev.azure.com/org"))
	for _, typ := range []string{"gitlab", "gitea", "bitbucket-cloud", "azure-devops", "slack"} {
		require.NotEmpty(t, of(Config{Type: typ}).DisplayName)
	}
}

// TestMatch: a token goes to the servers that the pattern names and to no others.
func TestMatch(t *testing.T) {
	t.Parallel()
	for pattern, tc := range map[string]struct{ yes, no []string }{
		`^(https?://)?github\.com(/.*)?$`: {
			[]string{"https://github.com", "https://github.com/", "github.com", "https://github.com/o/r.git", "https://someone@github.com/o", "https://GitHub.com"},
			[]string{"http://github.com", "https://github.com.evil.example", "https://evil.example/github.com", "https://github.com@evil.example",
				"https://evil.example/https://github.com/x", "ssh://github.com", "https://github.com\\.evil.example", "https://evil.example#github.com",
				"https://evil.example?github.com", "", "https://", "https://github.com\n", "://github.com", "https://evilgithub.com"}},
		`github\.com`: {
			[]string{"https://github.com", "https://github.com/any/thing"},
			[]string{"https://evil.example/github.com", "https://agithub.com", "https://github.com.evil.example/x"}},
		`github\.com/org`: {
			[]string{"https://github.com/org", "https://github.com/org/repo"},
			[]string{"https://github.com", "https://github.com/organisation", "https://github.com/other/org"}},
		`git\.example:8443|other\.example`: {
			[]string{"https://git.example:8443/x", "https://other.example"},
			[]string{"https://git.example/x", "https://other.example:1"}},
	} {
		p, err := newProvider(own(func(c *Config) { c.Regex = pattern }))
		require.NoError(t, err)
		for _, s := range tc.yes {
			require.True(t, p.matches(s), "%s %q", pattern, s)
		}
		for _, s := range tc.no {
			require.False(t, p.matches(s), "%s %q", pattern, s)
		}
	}
	p, err := newProvider(own(func(*Config) {}))
	require.NoError(t, err)
	require.False(t, p.matches("https://a.example"), "without a pattern it is for no URL")
	p, err = newProvider(own(func(c *Config) { c.AuthURL, c.Regex = "http://127.0.0.1:1/a", `127\.0\.0\.1:1` }))
	require.NoError(t, err)
	require.True(t, p.matches("http://127.0.0.1:1/repo"), "the provider itself is reached without TLS")
}

func FuzzMatch(f *testing.F) {
	f.Add("https://github.com/a/b")
	f.Add("https://x@y:z/%2f..")
	p, err := newProvider(own(func(c *Config) { c.Regex = `(https?://)?github\.com(/.*)?` }))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		if p.matches(s) && host(withScheme(s)) != "github.com" {
			t.Errorf("a token would go to %q", s)
		}
	})
}

func withScheme(s string) string {
	if len(s) > 8 && s[:8] == "https://" {
		return s
	}
	return "https://" + s
}

func FuzzAnswer(f *testing.F) {
	f.Add("application/json", `{"access_token":"a","expires_in":"3600"}`)
	f.Add("application/x-www-form-urlencoded", "access_token=a&expires_in=1")
	p, err := newProvider(own(func(c *Config) { c.ExtraTokenKeys = []string{"team"} }))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		fields := decode(contentType, []byte(body))
		userOf(fields)
		tok, err := p.tokenOf(fields)
		if err == nil && (tok.Access == "" || tok.life < 0 || len(tok.Access) > maxToken) {
			t.Errorf("%+v", tok)
		}
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	slack, err := newProvider(Config{Type: "slack", ClientID: "a", ClientSecret: "b"})
	require.NoError(t, err)
	tok, err := slack.tokenOf(decode("", []byte(`{"ok":true,"access_token":"bot","authed_user":{"id":"U1","access_token":"xoxp"}}`)))
	require.NoError(t, err)
	require.Equal(t, "xoxp", tok.Access.Reveal())
	p, err := newProvider(own(func(*Config) {}))
	require.NoError(t, err)
	tok, err = p.tokenOf(decode("application/x-www-form-urlencoded; charset=utf-8", []byte("access_token=gho_x&expires_in=28800&scope=repo")))
	require.NoError(t, err)
	require.Equal(t, "gho_x", tok.Access.Reveal())
	require.InDelta(t, 28800, tok.life, 0)
	require.InDelta(t, 28500, tok.fresh(), 0)
	require.Nil(t, decode("text/html", []byte("<html>access_token=x</html>")))
	_, err = p.tokenOf(nil)
	require.ErrorContains(t, err, "no access_token")
}
