package sshd

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"coder.internal/internal/pipe"
)

// udpIdle ends a UDP forward over which nothing has come for that long: nobody
// says goodbye in UDP.
const udpIdle = 2 * time.Minute

// directUDP serves `coder port-forward --udp`: a channel that carries the
// datagrams of one peer, each with its length before it (package pipe).
func (c *connection) directUDP(ctx context.Context, nc ssh.NewChannel) {
	var d directTCP
	if err := ssh.Unmarshal(nc.ExtraData(), &d); err != nil || d.Port == 0 || d.Port > 65535 {
		_ = nc.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	c.dial(ctx, nc, "udp", net.JoinHostPort(d.Host, strconv.Itoa(int(d.Port))), joinUDP)
}

// joinUDP passes datagrams both ways until one side ends, or udpIdle is over.
func joinUDP(ctx context.Context, ch ssh.Channel, conn net.Conn) {
	end := func() { _ = ch.Close(); _ = conn.Close() }
	stop := context.AfterFunc(ctx, end)
	defer stop()
	idle := time.AfterFunc(udpIdle, end)
	defer idle.Stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer end()
		buf := make([]byte, pipe.MaxDatagram)
		for {
			n, err := pipe.ReadDatagram(ch, buf)
			if err != nil {
				return
			}
			idle.Reset(udpIdle)
			_, _ = conn.Write(buf[:n]) // nobody listens there: lost, as datagrams are
		}
	})
	buf := make([]byte, pipe.MaxDatagram)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue // an ICMP answer to an earlier datagram
		}
		if err != nil || pipe.WriteDatagram(ch, buf[:n]) != nil {
			break
		}
		idle.Reset(udpIdle)
	}
	end()
	wg.Wait()
}
