package pipe

import (
	"encoding/binary"
	"fmt"
	"io"
)

// MaxDatagram is the longest UDP payload, in bytes.
const MaxDatagram = 65507

// WriteDatagram writes p to a stream as one datagram: its length in two bytes,
// then itself, in one Write. Longer than MaxDatagram is an error.
func WriteDatagram(w io.Writer, p []byte) error {
	if len(p) > MaxDatagram {
		return fmt.Errorf("datagram of %d bytes is longer than %d", len(p), MaxDatagram)
	}
	b := make([]byte, 2, 2+len(p))
	binary.BigEndian.PutUint16(b, uint16(len(p)))
	_, err := w.Write(append(b, p...))
	return err
}

// ReadDatagram reads one datagram of WriteDatagram into buf, which must hold
// MaxDatagram bytes, and returns its length. io.EOF is the orderly end.
func ReadDatagram(r io.Reader, buf []byte) (int, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n > MaxDatagram || n > len(buf) {
		return 0, fmt.Errorf("datagram of %d bytes is too long", n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}
