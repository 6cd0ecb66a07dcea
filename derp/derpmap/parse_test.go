package derpmap_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"tailscale.com/tailcfg"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := derpmap.Parse([]byte(`{"OmitDefaultRegions": true, "Regions": {
		"1": null,
		"901": {"RegionID": 901, "RegionCode": "here", "RegionName": "Büro 2", "Latitude": 1.5, "Nodes": [
			{"Name": "s", "RegionID": 901, "HostName": "stun.example", "STUNOnly": true},
			{"Name": "a", "RegionID": 901, "HostName": "derp.example"},
			{"Name": "b", "HostName": "192.0.2.7", "DERPPort": 3340, "STUNPort": -1, "ForceHTTP": true}]},
		"902": {"RegionCode": "v6", "Nodes": [{"HostName": "2001:db8::1"}]}}}`))
	require.NoError(t, err)
	require.Equal(t, map[int]tailrpc.Region{
		901: {ID: 901, Code: "here", Name: "Büro 2", Nodes: []tailrpc.RelayNode{
			{Name: "s", URL: "https://derp.example", STUN: "stun.example:3478"},
			{Name: "a", URL: "https://derp.example", STUN: "derp.example:3478"},
			{Name: "b", URL: "http://192.0.2.7:3340"}}},
		902: {ID: 902, Code: "v6", Name: "v6", Nodes: []tailrpc.RelayNode{
			{Name: "902-0", URL: "https://[2001:db8::1]", STUN: "[2001:db8::1]:3478"}}},
	}, got)
}

// What the library itself writes is read.
func TestParseUpstreamForm(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(&tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{7: {RegionID: 7, RegionCode: "x", RegionName: "X",
		Avoid: true, Nodes: []*tailcfg.DERPNode{{Name: "7a", RegionID: 7, HostName: "h", IPv4: "192.0.2.1", CanPort80: true}}}}})
	require.NoError(t, err)
	got, err := derpmap.Parse(b)
	require.NoError(t, err)
	require.Equal(t, []tailrpc.RelayNode{{Name: "7a", URL: "https://h", STUN: "h:3478"}}, got[7].Nodes)
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	node := func(n string) string {
		return fmt.Sprintf(`{"Regions":{"5":{"RegionCode":"c","Nodes":[{"HostName":"h"},{%s}]}}}`, n)
	}
	many := strings.Repeat(`{"HostName":"h"},`, 32) + `{"HostName":"h"}`
	for in, want := range map[string]string{
		"":                                 "line 1: is not JSON",
		"{\n\"Regions\": {\n\"1\": x}}":    "line 3: is not JSON",
		"{\"Regions\":{}} \n{}":            "line 2: there is something after",
		"[]":                               "line 1: the map must not be of type array",
		`{"Regions":{"1":{"Nodes":`:        "line 1: is not JSON",
		`{}`:                               "Regions: there is no region",
		`{"Regions":{"1":null}}`:           "Regions: there is no region",
		`{"Regions":{"x":{}}}`:             "Regions.x: the key",
		`{"Regions":{"0":{}}}`:             "Regions.0: the key",
		`{"Regions":{"5":{}}}`:             "Regions.5.RegionCode: must be",
		`{"Regions":{"5":{"RegionID":6}}}`: "Regions.5.RegionID: is 6, not the key 5",
		`{"Regions":{"5":{"RegionCode":"c\u001b"}}}`:                                  "Regions.5.RegionCode: must be",
		`{"Regions":{"5":{"RegionCode":"c","RegionName":"\n"}}}`:                      "Regions.5.RegionName: must be",
		`{"Regions":{"5":{"RegionCode":"c"}}}`:                                        "Regions.5.Nodes: at least one",
		`{"Regions":{"5":{"RegionCode":"c","Nodes":[null]}}}`:                         "Regions.5.Nodes[0]: is null",
		`{"Regions":{"5":{"RegionCode":"c","Nodes":[` + many + `]}}}`:                 "Regions.5.Nodes: there are 33",
		"{\"Regions\":{\"5\":{\"RegionCode\":\"c\",\n\"Nodes\":[{\"HostName\":3}]}}}": "line 2: Regions.Nodes.HostName must not be of type number",
		node(``):                                             "Regions.5.Nodes[1].HostName: must be a host name",
		node(`"HostName":"https://h"`):                       "Regions.5.Nodes[1].HostName: must be a host name",
		node(`"HostName":"h:80"`):                            "Regions.5.Nodes[1].HostName: must be a host name",
		node(`"HostName":"h/p"`):                             "Regions.5.Nodes[1].HostName: must be a host name",
		node(`"HostName":"fe80::1%x"`):                       "Regions.5.Nodes[1].HostName: must be an address without",
		node(`"HostName":"h","RegionID":6`):                  "Regions.5.Nodes[1].RegionID: is 6",
		node(`"HostName":"h","DERPPort":70000`):              "Regions.5.Nodes[1].DERPPort:",
		node(`"HostName":"h","STUNPort":-2`):                 "Regions.5.Nodes[1].STUNPort: must be",
		node(`"HostName":"h","STUNPort":-1,"STUNOnly":true`): "Regions.5.Nodes[1].STUNPort: is -1",
		node(`"HostName":"h","InsecureForTests":true`):       "Regions.5.Nodes[1].InsecureForTests: is not supported",
		node(`"HostName":"h","CertName":"sha256-raw:00"`):    "Regions.5.Nodes[1].CertName: is not supported",
	} {
		_, err := derpmap.Parse([]byte(in))
		require.ErrorContains(t, err, want, in)
	}
	_, err := derpmap.Parse(make([]byte, derpmap.MaxBytes+1))
	require.ErrorContains(t, err, "is larger than")
}

func TestWith(t *testing.T) {
	t.Parallel()
	more := map[int]tailrpc.Region{5: {ID: 5, Nodes: []tailrpc.RelayNode{{URL: "https://h", STUN: "h:1"}}}}
	base := derpmap.Build(derpmap.Config{})
	got, err := derpmap.With(base, more)
	require.NoError(t, err)
	require.Len(t, got.Regions, 2)
	require.Len(t, base.Regions, 1, "the base is untouched")
	require.Equal(t, "h:1", got.Regions[5].Nodes[0].STUN)

	blocked, err := derpmap.With(derpmap.Build(derpmap.Config{BlockDirect: true}), more)
	require.NoError(t, err)
	require.Empty(t, blocked.Regions[5].Nodes[0].STUN)
	require.Equal(t, "h:1", more[5].Nodes[0].STUN)

	more[999] = tailrpc.Region{ID: 999}
	_, err = derpmap.With(base, more)
	require.ErrorContains(t, err, "Regions.999: the id is that of the embedded relay")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Regions":{"5":{"RegionCode":"c","Nodes":[{"HostName":"h","STUNOnly":false}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := derpmap.Parse(data)
		if err != nil {
			return
		}
		for id, r := range got {
			urls, err := derpmap.RelayURLs(r, nil)
			require.NoError(t, err, "every region is usable without this deployment's URL")
			require.NotEmpty(t, urls)
			require.Equal(t, id, r.ID)
		}
	})
}
