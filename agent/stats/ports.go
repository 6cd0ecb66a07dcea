package stats

import (
	"bufio"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

const (
	// portsAge is how old an answer may be: however many ask, the machine is
	// looked at once a second.
	portsAge = time.Second
	// maxSockets bounds what is read of one table of the kernel.
	maxSockets = 100_000
)

// Ports finds the ports that processes listen on. Its zero value with a Clock
// works.
type Ports struct {
	Clock quartz.Clock

	mu   sync.Mutex // held while the machine is looked at
	last []api.AgentListeningPort
	at   time.Time
}

// Listening returns the ports in order, at most agentrpc.MaxListeningPorts. Those
// of this process are left out. Where the system has no /proc there are none. It
// blocks for one look at the machine.
func (p *Ports) Listening(ctx context.Context) ([]api.AgentListeningPort, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.Clock.Now(); p.last == nil || now.Sub(p.at) >= portsAge {
		found, err := listening(ctx)
		if err != nil {
			return nil, err
		}
		p.last, p.at = found, now
	}
	return slices.Clone(p.last), nil
}

// socket is one listening socket of the kernel's table.
type socket struct {
	port  int
	inode uint64
}

// parseSockets reads /proc/net/tcp or tcp6. What it does not understand it leaves
// out.
func parseSockets(r io.Reader) (out []socket) {
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(out) < maxSockets {
		f := strings.Fields(lines.Text())
		const listens = "0A"
		if len(f) < 10 || f[3] != listens {
			continue
		}
		_, text, ok := strings.Cut(f[1], ":")
		port, err := strconv.ParseUint(text, 16, 16)
		if !ok || err != nil {
			continue
		}
		inode, err := strconv.ParseUint(f[9], 10, 64)
		if err != nil {
			continue
		}
		out = append(out, socket{int(port), inode})
	}
	return out
}

// offered turns sockets into the answer: one entry a port, with a name if any of
// its sockets has one.
func offered(sockets []socket, own map[uint64]bool, names map[uint64]string) []api.AgentListeningPort {
	byPort := map[int]string{}
	for _, s := range sockets {
		if s.port < agentrpc.MinListeningPort || own[s.inode] {
			continue
		}
		if name := names[s.inode]; name != "" || byPort[s.port] == "" {
			byPort[s.port] = name
		}
	}
	out := []api.AgentListeningPort{}
	for _, port := range slices.Sorted(maps.Keys(byPort)) {
		if len(out) == agentrpc.MaxListeningPorts {
			break
		}
		out = append(out, api.AgentListeningPort{Network: "tcp", Port: port, ProcessName: byPort[port]})
	}
	return out
}
