package portforward_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/portforward"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]portforward.Forward{
		"8080":                {{"tcp", "127.0.0.1", 8080, 8080}},
		"5000:8080":           {{"tcp", "127.0.0.1", 5000, 8080}},
		"1.2.3.4:5000:8080":   {{"tcp", "1.2.3.4", 5000, 8080}},
		"[::1]:5000:8080":     {{"tcp", "::1", 5000, 8080}},
		"1,2:3":               {{"tcp", "127.0.0.1", 1, 1}, {"tcp", "127.0.0.1", 2, 3}},
		"9000-9001:9100-9101": {{"tcp", "127.0.0.1", 9000, 9100}, {"tcp", "127.0.0.1", 9001, 9101}},
	} {
		got, err := portforward.Parse([]string{in}, nil)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, bad := range []string{"", "0", "65536", "9-8", "1-2:3", "x", "1:2:3:4", "1-65535", "[::1]5000"} {
		_, err := portforward.Parse([]string{bad}, nil)
		require.Error(t, err, bad)
	}
}

func TestParseBoth(t *testing.T) {
	t.Parallel()
	got, err := portforward.Parse([]string{"53"}, []string{"53:5353", "[::1]:53"})
	require.NoError(t, err)
	require.Equal(t, []portforward.Forward{{"tcp", "127.0.0.1", 53, 53}, {"udp", "127.0.0.1", 53, 5353}, {"udp", "::1", 53, 53}}, got)
	_, err = portforward.Parse(nil, []string{"53", "50-60"})
	require.ErrorContains(t, err, "Port 53 of this computer is named twice")
	_, err = portforward.Parse(nil, []string{"x"})
	require.ErrorContains(t, err, "udp")
	_, err = portforward.Parse([]string{"1-1000"}, []string{"1-1000"})
	require.ErrorContains(t, err, "More than 1024 ports")
	_, err = portforward.Parse(nil, nil)
	require.ErrorContains(t, err, "Say which port")
}
