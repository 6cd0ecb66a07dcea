//go:build unix && !linux

package streams

import "net"

// ownPeer is content with the file: who listens is not told in one way on all of these.
func ownPeer(net.Conn) error { return nil }
