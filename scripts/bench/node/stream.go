package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// What the first byte of a stream asks far for. A size of 8 bytes follows the
// last two; far ends an upload with one byte.
const (
	serveEcho = 'e'
	serveDown = 'd'
	serveUp   = 'u'
)

const copyBuffer = 256 << 10

// serve is far's end of one stream.
func serve(c net.Conn) {
	defer c.Close()
	var head [9]byte
	if _, err := io.ReadFull(c, head[:1]); err != nil {
		return
	}
	if head[0] == serveEcho {
		echo(c)
		return
	}
	if _, err := io.ReadFull(c, head[1:]); err != nil {
		return
	}
	size := int64(binary.BigEndian.Uint64(head[1:]))
	switch head[0] {
	case serveDown:
		_ = send(c, size) // near counts
	case serveUp:
		if receive(c, size) == nil {
			_, _ = c.Write([]byte{serveUp})
		}
	}
}

func echo(c net.Conn) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return
		}
		if _, err := c.Write(b[:]); err != nil {
			return
		}
	}
}

func send(c net.Conn, size int64) error {
	buf := make([]byte, copyBuffer)
	for size > 0 {
		n, err := c.Write(buf[:min(size, copyBuffer)])
		size -= int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func receive(c net.Conn, size int64) error {
	buf := make([]byte, copyBuffer)
	for size > 0 {
		n, err := c.Read(buf)
		size -= int64(n)
		if err != nil && size > 0 {
			return fmt.Errorf("%d bytes are missing: %w", size, err)
		}
	}
	return nil
}

// roundTrip is the median time of one byte there and back.
func (m *meter) roundTrip(ctx context.Context) (time.Duration, error) {
	c, err := m.n.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	b := []byte{serveEcho}
	if _, err := c.Write(b); err != nil {
		return 0, err
	}
	took := make([]time.Duration, 0, trips)
	for range trips {
		start := time.Now()
		if _, err := c.Write(b); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// move makes one transfer in a stream of its own.
func (m *meter) move(ctx context.Context, way byte) (moved, error) {
	c, err := m.n.dial(ctx)
	if err != nil {
		return moved{}, err
	}
	defer c.Close()
	before, err := m.used()
	if err != nil {
		return moved{}, err
	}
	start := time.Now()
	head := binary.BigEndian.AppendUint64([]byte{way}, uint64(m.p.size))
	if _, err := c.Write(head); err != nil {
		return moved{}, err
	}
	if way == serveDown {
		err = receive(c, m.p.size)
	} else if err = send(c, m.p.size); err == nil {
		err = receive(c, 1)
	}
	took := time.Since(start)
	if err != nil {
		return moved{}, fmt.Errorf("transfer %c: %w", way, err)
	}
	after, err := m.used()
	return moved{Rate: float64(m.p.size) / took.Seconds(), Near: after.Near - before.Near,
		Far: after.Far - before.Far, Relay: after.Relay - before.Relay}, err
}
