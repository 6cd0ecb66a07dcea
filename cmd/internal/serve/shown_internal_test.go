package serve

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/option"
)

// TestShownOptions: administrators see each option with its value and where that
// came from; what secrets hold is nowhere in it.
func TestShownOptions(t *testing.T) {
	t.Parallel()
	var s Server
	table := Options(&s.cfg, "/cache")
	env := map[string]string{"CODER_PG_CONNECTION_URL": "postgres://u:hunter2@db/x", "CODER_PROVISIONER_DAEMON_PSK": "hunter2-hunter2-hunter2",
		"CODER_EXTERNAL_AUTH_0_ID": "git", "CODER_EXTERNAL_AUTH_0_TYPE": "github", "CODER_EXTERNAL_AUTH_0_CLIENT_ID": "c",
		"CODER_EXTERNAL_AUTH_0_CLIENT_SECRET": "hunter2"}
	src := option.Source{Flags: map[string]string{"access-url": "https://coder.example.com"}, Getenv: func(k string) string { return env[k] }}
	require.NoError(t, table.Resolve(src))
	s.cfg.Origins = table.Origins(src)

	options := s.shownOptions()
	require.Len(t, options, len(table))
	byFlag := map[string]api.DeploymentOption{}
	for _, o := range options {
		byFlag[o.Flag] = o
		assert.NotEmpty(t, o.Name)
		assert.NotEmpty(t, o.Group.Name, o.Flag)
	}
	assert.Equal(t, "https://coder.example.com", byFlag["access-url"].Value)
	assert.Equal(t, api.SourceFlag, byFlag["access-url"].ValueSource)
	assert.Equal(t, api.SourceDefault, byFlag["derp-server-region-id"].ValueSource)
	assert.Equal(t, 999, byFlag["derp-server-region-id"].Value)
	assert.Equal(t, "networking.derp", byFlag["derp-server-region-id"].Group.YAML)
	for _, flag := range []string{"postgres-url", "provisioner-daemon-psk", "external-auth-providers"} {
		assert.Nil(t, byFlag[flag].Value, flag)
		assert.Equal(t, api.SourceEnv, byFlag[flag].ValueSource, flag)
	}
	config := shownConfig(options)
	text, err := json.Marshal(map[string]any{"options": options, "config": config})
	require.NoError(t, err)
	assert.NotContains(t, string(text), "hunter2")
	derp, ok := config["derp"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, true, derp["server"].(map[string]any)["enable"])

	for flag := range configKeys { // a key that names no option says nothing
		assert.Contains(t, byFlag, flag)
	}
}
