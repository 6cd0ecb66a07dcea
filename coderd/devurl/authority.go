package devurl

import (
	"encoding/hex"
	"fmt"
	"net"
	"path"
	"strings"

	"coder.internal/api"
)

// maxSocketPath is the longest path of a unix socket, in bytes.
const maxSocketPath = 107

// authority writes the host of the URL by which the transport knows an application:
// the agent, and a port or the path of a socket. Connections are kept by it, so that
// none is ever used for another agent or another application.
func authority(agent api.ID, address string) string {
	if strings.HasPrefix(address, "/") {
		return agent.String() + "." + hex.EncodeToString([]byte(address)) + ":80"
	}
	_, port, _ := net.SplitHostPort(address) // made by us
	return net.JoinHostPort(agent.String(), port)
}

// readAuthority is the reverse, as Streams wants it.
func readAuthority(text string) (agent api.ID, network, address string, err error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return agent, "", "", fmt.Errorf("read address of an application: %w", err)
	}
	id, socket, unix := strings.Cut(host, ".")
	if agent, err = api.ParseID(id); err != nil {
		return agent, "", "", fmt.Errorf("read agent of an application: %w", err)
	}
	if !unix {
		return agent, "tcp", "127.0.0.1:" + port, nil
	}
	name, err := hex.DecodeString(socket)
	return agent, "unix", string(name), err
}

// IsSocketPath reports whether a path may be that of a unix socket: absolute, and in
// its one spelling.
func IsSocketPath(s string) bool {
	return strings.HasPrefix(s, "/") && s != "/" && path.Clean(s) == s && len(s) <= maxSocketPath && !strings.ContainsRune(s, 0)
}
