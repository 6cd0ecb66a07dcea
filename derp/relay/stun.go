package relay

import (
	"errors"
	"net"
	"net/netip"

	"tailscale.com/net/stun"
)

// serveSTUN tells whoever asks the address that the question came from. The
// answer is hardly longer than the question, so it amplifies nothing. It
// returns nil once pc is closed.
func serveSTUN(pc net.PacketConn) error {
	buf := make([]byte, 1500)
	for {
		n, from, err := pc.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			continue
		}
		if err != nil {
			return err
		}
		if !stun.Is(buf[:n]) {
			continue
		}
		tx, err := stun.ParseBindingRequest(buf[:n])
		if err != nil {
			continue
		}
		addr, err := netip.ParseAddrPort(from.String())
		if err != nil {
			continue
		}
		addr = netip.AddrPortFrom(addr.Addr().Unmap().WithZone(""), addr.Port())
		_, _ = pc.WriteTo(stun.Response(tx, addr), from) // the asker will ask again
	}
}
