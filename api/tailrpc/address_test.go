package tailrpc_test

import (
	"testing"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

func TestAddressOfIsStableAndInside(t *testing.T) {
	t.Parallel()
	id := api.MustParseID("0b6c1b1e-6d1f-4a53-9a3d-3f7c5f0e2a11")
	got := tailrpc.AddressOf(id)
	// Agents and servers of different releases must agree on this.
	if want := "fd5b:c19e:732a:"; got.String()[:len(want)] != want {
		t.Errorf("AddressOf = %s, want it under %s", got, want)
	}
	if !tailrpc.ULA().Contains(got) {
		t.Errorf("%s is outside %s", got, tailrpc.ULA())
	}
	if got != tailrpc.AddressOf(id) || got == tailrpc.AddressOf(api.NewID()) {
		t.Error("the address is not a function of the id")
	}
	if p := tailrpc.PrefixOf(id); p.Bits() != 128 || p.Addr() != got {
		t.Errorf("PrefixOf = %s", p)
	}
}
