package streams

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"syscall"

	"coder.internal/api"
)

// dialTCP connects to a loopback port. 127.0.0.1 and localhost are ::1 too, where
// nothing else answers: many servers listen on one of them alone.
func dialTCP(ctx context.Context, address string) (net.Conn, *api.Error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, api.Invalid("address", "give host:port.")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != text {
		return nil, api.Invalid("address", "give a port from 1 to 65535.")
	}
	var addrs []netip.Addr
	if host == "localhost" {
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	} else {
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Unmap().IsLoopback() || a.Zone() != "" {
			return nil, &api.Error{Code: api.CodeForbidden, Message: "Streams reach loopback addresses of the workspace alone."}
		}
		addrs = append(addrs, a.Unmap())
	}
	if addrs[0] == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		addrs = append(addrs, netip.IPv6Loopback())
	}
	var first error
	for _, a := range addrs {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", netip.AddrPortFrom(a, uint16(port)).String())
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, unreached(first, "port "+text)
}

// dialUnix connects to a socket that is the workspace user's own, as far as the
// system tells.
func dialUnix(ctx context.Context, path string) (net.Conn, *api.Error) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return nil, api.Invalid("address", "give the absolute path of a socket.")
	}
	if err := ownFile(path); err != nil {
		return nil, unreached(err, "that socket")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, unreached(err, "that socket")
	}
	if err := ownPeer(conn); err != nil {
		_ = conn.Close()
		return nil, unreached(err, "that socket")
	}
	return conn, nil
}

var errForeign = errors.New("it belongs to another user")

// unreached says why there is no connection, without more of the workspace than
// that.
func unreached(err error, what string) *api.Error {
	var timeout net.Error
	switch {
	case errors.Is(err, errForeign):
		return &api.Error{Code: api.CodeForbidden, Message: "Streams reach sockets of the workspace's user alone."}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return api.Conflict("Nothing listens on " + what + " in the workspace.")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &api.Error{Code: api.CodeUnavailable, Message: "What listens on " + what + " in the workspace takes no connection."}
	}
	return &api.Error{Code: api.CodeUnavailable, Message: "The agent could not connect to " + what + "."}
}
