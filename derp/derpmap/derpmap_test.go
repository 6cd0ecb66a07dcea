package derpmap_test

import (
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

func TestBuildDefaults(t *testing.T) {
	t.Parallel()
	m := derpmap.Build(derpmap.Config{STUNAddresses: []string{"a:1", "b:2"}, ForceWebSockets: true})
	r := m.Regions[999]
	require.Equal(t, "coder", r.Code)
	require.Equal(t, "Coder Embedded Relay", r.Name)
	require.Equal(t, []tailrpc.RelayNode{{Name: "999-0", STUN: "a:1"}, {Name: "999-1", STUN: "b:2"}}, r.Nodes)
	require.True(t, m.ForceWS)
	require.False(t, m.BlockDirect)
}

func TestBlockDirectHasNoSTUN(t *testing.T) {
	t.Parallel()
	m := derpmap.Build(derpmap.Config{STUNAddresses: []string{"a:1"}, BlockDirect: true})
	require.Equal(t, []tailrpc.RelayNode{{Name: "999-0"}}, m.Regions[999].Nodes)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, derpmap.Config{STUNAddresses: []string{"[::1]:3478"}}.Validate())
	for _, bad := range []derpmap.Config{
		{RegionID: -1}, {RegionID: 70000}, {STUNAddresses: []string{"nohost"}},
		{STUNAddresses: []string{":1"}}, {STUNAddresses: []string{"a:0"}}, {STUNAddresses: make([]string, 40)},
	} {
		require.Equal(t, api.CodeInvalid, api.CodeOf(bad.Validate()), "%+v", bad)
	}
}

func TestRelayURLs(t *testing.T) {
	t.Parallel()
	access, _ := url.Parse("https://dev.example/prefix/")
	got, err := derpmap.RelayURLs(tailrpc.Region{ID: 1, Nodes: []tailrpc.RelayNode{
		{}, {}, {URL: "http://other:8080"},
	}}, access)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "https://dev.example/prefix/derp", got[0].String())
	require.Equal(t, "http://other:8080/derp", got[1].String())
	_, err = derpmap.RelayURLs(tailrpc.Region{ID: 1, Nodes: []tailrpc.RelayNode{{URL: "ftp://x"}}}, access)
	require.Error(t, err)
	_, err = derpmap.RelayURLs(tailrpc.Region{ID: 1, Nodes: []tailrpc.RelayNode{{}}}, nil)
	require.Error(t, err)
}

func TestToTailcfg(t *testing.T) {
	t.Parallel()
	m := derpmap.Build(derpmap.Config{STUNAddresses: []string{"127.0.0.1:3478", "stun.example:19302"}})
	m.Regions[7] = tailrpc.Region{ID: 7}
	via := map[int]derpmap.Via{999: {Addr: netip.MustParseAddrPort("127.0.0.1:4444"), Host: "abc.invalid"}}
	dm, err := derpmap.ToTailcfg(m, via)
	require.NoError(t, err)
	require.Len(t, dm.Regions, 1, "a region that cannot be reached is left out")
	n := dm.Regions[999].Nodes
	require.Len(t, n, 4)
	require.True(t, n[0].STUNOnly)
	require.Equal(t, "127.0.0.1", n[0].IPv4)
	require.Equal(t, 3478, n[0].STUNPort)
	require.True(t, n[1].STUNOnly)
	require.Equal(t, 9, n[1].STUNPort, "among the first three, which the check sends to")
	require.Equal(t, "stun.example", n[2].HostName)
	require.Equal(t, "abc.invalid", n[3].HostName)
	require.Equal(t, 4444, n[3].DERPPort)
	require.Equal(t, -1, n[3].STUNPort)
	require.Equal(t, "none", n[3].IPv6)

	m.Regions[999] = derpmap.Build(derpmap.Config{STUNAddresses: []string{"stun.example:19302"}}).Regions[999]
	dm, err = derpmap.ToTailcfg(m, via)
	require.NoError(t, err)
	n = dm.Regions[999].Nodes
	require.Len(t, n, 4)
	require.Equal(t, []string{"stun.example", "127.0.0.1", "stun.example"},
		[]string{n[0].HostName, n[1].HostName, n[2].HostName}, "a lost datagram is sent again")
	require.NotEqual(t, n[0].Name, n[2].Name)

	m.BlockDirect = true
	dm, err = derpmap.ToTailcfg(m, via)
	require.NoError(t, err)
	n = dm.Regions[999].Nodes
	require.Len(t, n, 2)
	require.Equal(t, "abc.invalid", n[0].HostName)
	require.Equal(t, 9, n[1].STUNPort)

	m = derpmap.Build(derpmap.Config{STUNAddresses: []string{"broken"}})
	_, err = derpmap.ToTailcfg(m, via)
	require.Error(t, err)
}
