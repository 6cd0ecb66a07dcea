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
		HomeRelay: 7,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
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
