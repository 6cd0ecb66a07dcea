package tailrpc

import (
	"crypto/sha256"
	"net/netip"

	"coder.internal/api"
)

// ULA is the prefix of every node's address (RFC 4193). Its 40 random bits were
// drawn once for this product; it must never be Tailscale's own prefix, whose
// addresses the packet library treats specially.
func ULA() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom16(ulaBytes()), 48) }

func ulaBytes() [16]byte { return [16]byte{0xfd, 0x5b, 0xc1, 0x9e, 0x73, 0x2a} }

// AddressOf returns the one address of a node: the prefix, then 80 bits of a
// hash of its id. Nobody chooses an address, so nobody can take another's.
func AddressOf(id api.ID) netip.Addr {
	b := ulaBytes()
	sum := sha256.Sum256(append([]byte("coder tailnet address\n"), id[:]...))
	copy(b[6:], sum[:10])
	return netip.AddrFrom16(b)
}

// PrefixOf is AddressOf as the single-address prefix that Node.Addresses holds.
func PrefixOf(id api.ID) netip.Prefix { return netip.PrefixFrom(AddressOf(id), 128) }
