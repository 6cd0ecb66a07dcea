package coordinator

import (
	"encoding/json"
	"log/slog"
	"testing"

	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// FuzzCheckNode: what passes can be passed on: it names nobody else, has the
// one address, and reads back the same.
func FuzzCheckNode(f *testing.F) {
	c, err := New(Options{
		Log:      slog.New(slog.DiscardHandler),
		RelayMap: func() tailrpc.RelayMap { return tailrpc.RelayMap{Regions: map[int]tailrpc.Region{999: {ID: 999}}} },
	})
	if err != nil {
		f.Fatal(err)
	}
	self := api.MustParseID("0b6c1b1e-6d1f-4a53-9a3d-3f7c5f0e2a11")
	good, err := json.Marshal(tailrpc.Node{
		Key: key.NewNode().Public().String(), DiscoKey: key.NewDisco().Public().String(),
		Addresses: []string{tailrpc.PrefixOf(self).String()}, Endpoints: []string{"10.0.0.1:7", "[::ffff:1.2.3.4]:5"},
		HomeRelay: 7, StreamKey: make([]byte, tailrpc.StreamKeySize), StreamEndpoints: []string{"10.0.0.1:8"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"addresses":["::/0"],"stream_key":"AAAA","stream_endpoints":["[::]:0"]}`))
	f.Add([]byte(`{"addresses":["::/0"],"endpoints":["255.255.255.255:1"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var n tailrpc.Node
		if json.Unmarshal(b, &n) != nil {
			return
		}
		got, err := c.checkNode(n, self)
		if err != nil {
			return
		}
		if got.ID != self || len(got.Addresses) != 1 || got.Addresses[0] != tailrpc.PrefixOf(self).String() {
			t.Fatalf("%s became %+v", b, got)
		}
		if got.HomeRelay != 0 && got.HomeRelay != 999 {
			t.Fatalf("home relay %d is of no map", got.HomeRelay)
		}
		if _, err := c.checkNode(got, self); err != nil {
			t.Fatalf("%+v does not pass again: %v", got, err)
		}
	})
}

// A node that names its addresses all the same tells them to nobody.
func TestEndpointsAreStrippedWhereDirectIsBlocked(t *testing.T) {
	t.Parallel()
	self := api.MustParseID("0b6c1b1e-6d1f-4a53-9a3d-3f7c5f0e2a11")
	n := tailrpc.Node{
		Key: key.NewNode().Public().String(), DiscoKey: key.NewDisco().Public().String(),
		Addresses: []string{tailrpc.PrefixOf(self).String()}, Endpoints: []string{"10.0.0.1:7"},
	}
	for _, o := range []struct{ blocked, only bool }{{true, false}, {false, false}, {false, true}} {
		c, err := New(Options{Log: slog.New(slog.DiscardHandler),
			RelayMap: func() tailrpc.RelayMap { return tailrpc.RelayMap{BlockDirect: o.blocked} }})
		if err != nil {
			t.Fatal(err)
		}
		n.RelayOnly = o.only
		got, err := c.checkNode(n, self)
		if err != nil || (o.blocked || o.only) != (len(got.Endpoints) == 0) || got.RelayOnly != o.only {
			t.Fatalf("%+v: %+v, error %v", o, got, err)
		}
	}
}

// What a node says of direct streams is checked, and told to nobody where they are
// not allowed.
func TestStreamsOfNodes(t *testing.T) {
	t.Parallel()
	self := api.MustParseID("0b6c1b1e-6d1f-4a53-9a3d-3f7c5f0e2a11")
	good := make([]byte, tailrpc.StreamKeySize)
	many := make([]string, tailrpc.MaxStreamEndpoints+1)
	for i := range many {
		many[i] = "10.0.0.1:8"
	}
	for name, o := range map[string]struct {
		key           []byte
		at            []string
		blocked, only bool
		want          int // addresses; -1 for an error
	}{
		"old node":      {want: 0},
		"key alone":     {key: good, want: 0},
		"both":          {key: good, at: many[1:], want: tailrpc.MaxStreamEndpoints},
		"too many":      {key: good, at: many, want: -1},
		"short key":     {key: good[1:], at: many[:1], want: -1},
		"no key":        {at: many[:1], want: -1},
		"everywhere":    {key: good, at: []string{"0.0.0.0:8"}, want: -1},
		"no port":       {key: good, at: []string{"10.0.0.1"}, want: -1},
		"blocked":       {key: good, at: many[:1], blocked: true, want: 0},
		"relays only":   {key: good, at: many[:1], only: true, want: 0},
		"in the tunnel": {key: good, at: []string{"[fd5b:c19e:732a::1]:8"}, want: -1},
	} {
		c, err := New(Options{Log: slog.New(slog.DiscardHandler),
			RelayMap: func() tailrpc.RelayMap { return tailrpc.RelayMap{BlockDirect: o.blocked} }})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.checkNode(tailrpc.Node{
			Key: key.NewNode().Public().String(), DiscoKey: key.NewDisco().Public().String(),
			Addresses: []string{tailrpc.PrefixOf(self).String()}, RelayOnly: o.only, StreamKey: o.key, StreamEndpoints: o.at}, self)
		if (err != nil) != (o.want < 0) || err == nil && (len(got.StreamEndpoints) != o.want || len(got.StreamKey) != len(o.key)) {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
}
