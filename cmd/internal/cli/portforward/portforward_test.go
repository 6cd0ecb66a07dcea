package portforward_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/portforward"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]portforward.Forward{
		"8080":                {{"127.0.0.1", 8080, 8080}},
		"5000:8080":           {{"127.0.0.1", 5000, 8080}},
		"1.2.3.4:5000:8080":   {{"1.2.3.4", 5000, 8080}},
		"[::1]:5000:8080":     {{"::1", 5000, 8080}},
		"1,2:3":               {{"127.0.0.1", 1, 1}, {"127.0.0.1", 2, 3}},
		"9000-9001:9100-9101": {{"127.0.0.1", 9000, 9100}, {"127.0.0.1", 9001, 9101}},
	} {
		got, err := portforward.Parse([]string{in})
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, bad := range []string{"", "0", "65536", "9-8", "1-2:3", "x", "1:2:3:4", "1-65535", "[::1]5000"} {
		_, err := portforward.Parse([]string{bad})
		require.Error(t, err, bad)
	}
}
