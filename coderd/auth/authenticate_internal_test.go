package auth

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRoleNames compares with the decoder of the standard library.
func TestRoleNames(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"[]", `[""]`, `["a"]`, `["a","b-c"]`, `["a", "b"]`, `["a",null,"b"]`, `[null]`, `["q\"q","\u00fc"]`,
		`["\\"]`, `["ü",","]`, `["a,b","]"]`, `[ "a" ]`} {
		want := []string{}
		require.NoError(t, json.Unmarshal([]byte(list), &want), list)
		got, err := roleNames(list)
		require.NoError(t, err, list)
		require.Equal(t, want, got, list)
	}
	for _, list := range []string{"", "[", `["`, `"]`, `["a`, `["a"`, `["a"b"]`, `{"a":1}`, "[1]"} {
		_, err := roleNames(list)
		require.Error(t, err, list)
	}
}
