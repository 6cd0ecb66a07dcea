package doctor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/derp/netcheck"
)

// TestOneCureIsSaidOnce: hops with the same cure share a line.
func TestOneCureIsSaidOnce(t *testing.T) {
	t.Parallel()
	const cure = "Give the server a STUN server that both sides reach."
	r := Report{Side: "computer", Report: &netcheck.Report{URL: "http://x", Steps: []netcheck.Step{
		{Name: "stun", Status: netcheck.Warning, Cure: cure}, {Name: "clock", Status: netcheck.Warning, Cure: "Set it."},
		{Name: "server", Status: netcheck.Warning, Cure: cure}}}}
	var out strings.Builder
	require.NoError(t, r.print(&out))
	require.Contains(t, out.String(), "\n\nstun, server: "+cure+"\nclock: Set it.\nEverything works; see above")
}
