package agents

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPortURI(t *testing.T) {
	t.Parallel()
	uri := func(host, agent string) string {
		s := &Service{opts: Options{AppHost: host, AccessURL: "https://coder.example/below"}}
		return s.portURI(agent, "dev", "Alice")
	}
	require.Empty(t, uri("", "main"))
	require.Equal(t, "https://{{port}}--main--dev--alice.apps.example:8443", uri("*.apps.example:8443", "main"))
	require.Equal(t, "https://{{port}}--main--dev--alice--apps.example", uri("*--apps.example", "main"))
	// 65535--<agent>--dev--alice has 63 characters, then one more.
	require.NotEmpty(t, uri("*.apps.example", strings.Repeat("a", 44)))
	require.Empty(t, uri("*.apps.example", strings.Repeat("a", 45)))
}
