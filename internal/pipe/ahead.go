package pipe

import (
	"bufio"
	"net"
)

// Ahead is a connection that is read through a buffer: for many small reads, or
// because some of its bytes have been read already.
type Ahead struct {
	net.Conn
	In *bufio.Reader
}

// ReadAhead returns conn with a buffer of that many bytes.
func ReadAhead(conn net.Conn, size int) *Ahead {
	return &Ahead{Conn: conn, In: bufio.NewReaderSize(conn, size)}
}

// Read implements net.Conn.
func (a *Ahead) Read(p []byte) (int, error) { return a.In.Read(p) }
