package streams

import "net"

// Windows does not tell whose a socket is.

func ownPeer(net.Conn) error { return errForeign }

func ownFile(string) error { return errForeign }
