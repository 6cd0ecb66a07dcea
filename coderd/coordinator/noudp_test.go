//go:build linux

package coordinator_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// noUDPVar in the environment is set where a test has a network of its own.
const noUDPVar = "COORDINATOR_TEST_OWN_NETWORK"

// Where the deployment blocks direct paths, nobody sends a
// single UDP packet. The kernel counts, in a network namespace that only this
// test is in.
func TestRelayOnlySendsNoUDP(t *testing.T) {
	t.Parallel()
	if os.Getenv(noUDPVar) != "" {
		loopbackUp(t)
		t.Run("deployment", func(t *testing.T) {
			before := sentUDP(t)
			exerciseRelay(t, newWorld(t, worldOptions{blockDirect: true}))
			require.Equal(t, before, sentUDP(t))
		})
		t.Run("allowed", func(t *testing.T) {
			before := sentUDP(t)
			w := newWorld(t, worldOptions{stun: true})
			agent, client := w.pair()
			say(t, dial(t, client, agent), "hello")
			directPath(t, client, agent.ID())
			require.Greater(t, sentUDP(t), before, "the count is the right one")
		})
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRelayOnlySendsNoUDP$", "-test.v")
	cmd.Env = append(os.Environ(), noUDPVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		require.Empty(t, out, "this host permits no network namespaces; nothing has run")
		return
	}
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "PASS: TestRelayOnlySendsNoUDP/deployment")
}

// exerciseRelay sends a MiB both ways through a pair.
func exerciseRelay(t *testing.T, w *world) {
	t.Helper()
	agent, client := w.pair()
	s := dial(t, client, agent)
	_ = mean(t, w, s)
	r, err := client.Ping(deadline(t, 10*time.Second), agent.ID())
	require.NoError(t, err)
	require.False(t, r.Direct)
	require.NoError(t, s.Close())
}

// loopbackUp makes 127.0.0.1 work in a new network.
func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	require.NoError(t, err)
	ifr.SetUint16(unix.IFF_UP)
	require.NoError(t, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr))
}

// sentUDP counts the packets of this network namespace, both families.
func sentUDP(t *testing.T) int64 {
	t.Helper()
	var n int64
	for file, name := range map[string]string{"/proc/self/net/snmp": "Udp:", "/proc/self/net/snmp6": "Udp6OutDatagrams"} {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		require.NoError(t, err)
		for sc := bufio.NewScanner(f); sc.Scan(); {
			w := strings.Fields(sc.Text())
			if w[0] != name {
				continue
			}
			at := 4 // Udp: InDatagrams NoPorts InErrors OutDatagrams
			if name != "Udp:" {
				at = 1
			}
			if x, err := strconv.ParseInt(w[at], 10, 64); err == nil { // the other line has names
				n += x
			}
		}
		require.NoError(t, f.Close())
	}
	return n
}
