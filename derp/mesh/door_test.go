package mesh_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/derp/relay"
)

func public(t *testing.T, r *replica) key.NodePublic {
	t.Helper()
	var k key.NodePublic
	require.NoError(t, k.UnmarshalText([]byte(r.relay.PublicKey())))
	return k
}

func proof(t *testing.T, r *replica, k api.Secret) string {
	t.Helper()
	return relay.MeshProof(k, public(t, r))
}

// knock enters a relay by hand, with a proof in the header and a mesh key inside.
func knock(t *testing.T, r *replica, header string, k api.Secret) (*derp.Client, error) {
	t.Helper()
	nc, err := net.Dial("tcp", r.srv.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(patient)))
	_, err = fmt.Fprintf(nc, "GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n")
	require.NoError(t, err)
	if header != "" {
		_, err = fmt.Fprintf(nc, "%s: %s\r\n", relay.MeshHeader, header)
		require.NoError(t, err)
	}
	_, err = fmt.Fprint(nc, "\r\n")
	require.NoError(t, err)
	brw := bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc))
	resp, err := http.ReadResponse(brw.Reader, nil)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body.Close()
		return nil, fmt.Errorf("answer %d", resp.StatusCode)
	}
	mk, err := key.ParseDERPMesh(k.Reveal())
	require.NoError(t, err)
	c, err := derp.NewClient(key.NewNode(), nc, brw, t.Logf, derp.MeshKey(mk))
	if err == nil {
		_, err = c.Recv()
	}
	return c, err
}

// deadNode connects over a wire and never reads after its greeting.
func deadNode(t *testing.T, w *wire, k key.NodePrivate) *derphttp.Client {
	t.Helper()
	c, err := derphttp.NewClient(k, w.url+"/derp", t.Logf, netmon.NewStatic())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	require.NoError(t, c.Connect(ctx))
	_, err = c.Recv()
	require.NoError(t, err)
	return c
}
