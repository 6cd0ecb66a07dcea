package serve

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/option"
)

// TestExternalAuthOptions: the variables and the file of the reference.
func TestExternalAuthOptions(t *testing.T) {
	t.Parallel()
	read := func(env map[string]string, yaml string) (Config, error) {
		var c Config
		err := externalAuthOptions(&c).Resolve(option.Source{Getenv: func(k string) string { return env[k] }, File: "c.yaml", YAML: []byte(yaml)})
		return c, err
	}
	c, err := read(map[string]string{"CODER_EXTERNAL_AUTH_0_ID": "primary-github", "CODER_EXTERNAL_AUTH_0_TYPE": "github",
		"CODER_EXTERNAL_AUTH_0_CLIENT_ID": "abc", "CODER_EXTERNAL_AUTH_0_CLIENT_SECRET": "s3", "CODER_EXTERNAL_AUTH_0_SCOPES": "repo read:org",
		"CODER_EXTERNAL_AUTH_0_DEVICE_FLOW": "true", "CODER_EXTERNAL_AUTH_0_NO_REFRESH": "1", "CODER_EXTERNAL_AUTH_0_REGEX": `github\.com`,
		"CODER_EXTERNAL_AUTH_0_EXTRA_TOKEN_KEYS": "a,b", "CODER_EXTERNAL_AUTH_1_TYPE": "gitlab", "CODER_EXTERNAL_AUTH_1_CLIENT_ID": "x",
		"CODER_EXTERNAL_AUTH_1_CLIENT_SECRET": "y"}, "")
	require.NoError(t, err)
	require.Len(t, c.ExternalAuth, 2)
	p := c.ExternalAuth[0]
	require.Equal(t, "primary-github", p.ID)
	require.Equal(t, "s3", p.ClientSecret.Reveal())
	require.Equal(t, []string{"repo", "read:org"}, p.Scopes)
	require.Equal(t, []string{"a", "b"}, p.ExtraTokenKeys)
	require.True(t, p.DeviceFlow && p.NoRefresh)

	c, err = read(nil, "externalAuthProviders:\n- id: forge\n  type: gitea\n  client_id: a\n  client_secret: b\n  auth_url: https://git.example/login/oauth/authorize\n"+
		"  scopes: [read, write]\n  code_challenge_methods_supported: [none]\nexternalAuthGithubDefaultProviderEnable: true\n")
	require.NoError(t, err)
	require.Equal(t, []string{"read", "write"}, c.ExternalAuth[0].Scopes)
	require.Equal(t, []string{"none"}, c.ExternalAuth[0].PKCEMethods)

	for want, env := range map[string]map[string]string{
		`CODER_EXTERNAL_AUTH_0: CLIENT_ID of "x" is missing`:       {"CODER_EXTERNAL_AUTH_0_ID": "x"},
		`CODER_EXTERNAL_AUTH_0: NO_REFRESH "maybe" is not true or`: {"CODER_EXTERNAL_AUTH_0_NO_REFRESH": "maybe"},
		`provider 1: ID "github" is used twice`: {"CODER_GITAUTH_0_TYPE": "github", "CODER_GITAUTH_0_CLIENT_ID": "a", "CODER_GITAUTH_0_CLIENT_SECRET": "b",
			"CODER_GITAUTH_1_TYPE": "github", "CODER_GITAUTH_1_CLIENT_ID": "a", "CODER_GITAUTH_1_CLIENT_SECRET": "b"},
	} {
		_, err := read(env, "")
		require.ErrorContains(t, err, want)
	}
	var empty Config
	text, err := externalAuthOptions(&empty).WriteYAML()
	require.NoError(t, err)
	require.NotContains(t, string(text), "externalAuthProviders", "there are secrets inside")
}
