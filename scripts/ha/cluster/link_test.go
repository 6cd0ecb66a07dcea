package cluster

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo answers each line with itself, on a port of its own.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func openLink(t *testing.T) *Link {
	t.Helper()
	l := NewLink(echo(t))
	require.NoError(t, l.open(t.Context()))
	t.Cleanup(func() { require.NoError(t, l.close()) })
	return l
}

func dial(t *testing.T, l *Link) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c
}

func say(t *testing.T, c net.Conn, r *bufio.Reader, line string) {
	t.Helper()
	_, err := fmt.Fprintln(c, line)
	require.NoError(t, err)
	got, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, line+"\n", got)
}

func TestLinkBreaksAndHeals(t *testing.T) {
	t.Parallel()
	l := openLink(t)
	c := dial(t, l)
	say(t, c, bufio.NewReader(c), "hello")
	l.Break()
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err, "what is open ends")
	_, err = dial(t, l).Read(make([]byte, 1))
	require.Error(t, err, "what comes is refused")
	l.Heal()
	again := dial(t, l)
	say(t, again, bufio.NewReader(again), "back")
}

func TestLinkStallsWithoutLoss(t *testing.T) {
	t.Parallel()
	l := openLink(t)
	c := dial(t, l)
	r := bufio.NewReader(c)
	say(t, c, r, "before")
	l.Stall()
	_, err := fmt.Fprintln(c, "meanwhile")
	require.NoError(t, err)
	fresh := dial(t, l) // taken, and silent
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = r.ReadString('\n')
	var timeout net.Error
	require.ErrorAs(t, err, &timeout, "nothing moves, and nothing ends")
	require.True(t, timeout.Timeout())
	l.Heal()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	got, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "meanwhile\n", got)
	say(t, fresh, bufio.NewReader(fresh), "late")
}

func TestLinkClosesWhileStalled(t *testing.T) {
	t.Parallel()
	l := openLink(t)
	c := dial(t, l)
	say(t, c, bufio.NewReader(c), "hello")
	l.Stall()
	_, err := fmt.Fprintln(c, "lost")
	require.NoError(t, err)
	require.NoError(t, l.close(), "nothing is waited for in vain")
	l.Heal()
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err, "the connection has ended")
}

func TestBalancerConfig(t *testing.T) {
	t.Parallel()
	b := &Balancer{Addr: "127.0.0.1:1", dir: "/x", servers: []Server{{"replica1", "127.0.0.1:2"}, {"replica2", "127.0.0.2:2"}}}
	text := b.config()
	require.Contains(t, text, "bind 127.0.0.1:1\n")
	require.Contains(t, text, "server replica1 127.0.0.1:2\n  server replica2 127.0.0.2:2\n")
	require.Contains(t, text, "disable-l7-retry unless { method GET HEAD }", "nothing else is sent twice")
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	const stat = "# pxname,svname,stot,status,req_tot,\ncoder,FRONTEND,12,OPEN,34,\nreplicas,replica1,5,UP,,\nreplicas,replica2,7,DOWN,,\n"
	require.Equal(t, "34", rowOf(stat, "coder", "FRONTEND")["req_tot"])
	require.Equal(t, "UP", stateOf(stat, "replica1"))
	require.Equal(t, "DOWN", stateOf(stat, "replica2"))
	require.Empty(t, stateOf(stat, "replica3"))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Binary: "x", Dir: t.TempDir(), Replicas: 10})
	require.ErrorContains(t, err, "give 1 to 9")
	c, err := New(Options{Binary: "x", Dir: t.TempDir(), Replicas: 3})
	require.NoError(t, err)
	require.NoError(t, c.Stop(), "what was not started needs no end")
	require.NoError(t, c.Replicas[0].Kill())
	require.NoError(t, c.Replicas[0].Freeze())
	<-c.Replicas[0].Done()
}
