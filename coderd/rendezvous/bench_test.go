package rendezvous_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/coordinator"
	"coder.internal/database/dbtest"
	"coder.internal/internal/wsconn"
)

const wsNormal = wsconn.CodeNormal

// enter connects an agent without a network in between. Its reader ends with it.
func (r *replica) enter(id api.ID) (n tailrpc.Node, leave func()) {
	near, far := wsconn.Pipe()
	go func() { _ = r.coord.ServeAgent(context.Background(), far, id, coordinator.Hooks{}) }()
	go func() {
		var m tailrpc.ServerMessage
		for near.Read(context.Background(), &m) == nil {
			continue
		}
	}()
	n = newNode(id)
	require.NoError(r.t, near.Write(within(r.t), tailrpc.ClientMessage{Node: &n}))
	return n, func() { _ = near.CloseNow() }
}

// BenchmarkStorm is 2,000 agents that come to one of two replicas at once, until the
// other knows all of them.
func BenchmarkStorm(b *testing.B) {
	var total work
	for b.Loop() {
		b.StopTimer()
		o := options{dsn: dbtest.URL(b)}
		x, y := newReplica(b, o), newReplica(b, o)
		b.StartTimer()
		var nodes []tailrpc.Node
		for range 2000 {
			n, leave := x.enter(api.NewID())
			b.Cleanup(leave)
			nodes = append(nodes, n)
		}
		for _, n := range nodes {
			y.knows(n.Key)
		}
		b.StopTimer()
		total.add(x.rv.Work().Flushes, y.rv.Work().Reads)
		b.StartTimer()
	}
	b.ReportMetric(float64(total.flushes)/float64(b.N), "flushes/op")
	b.ReportMetric(float64(total.reads)/float64(b.N), "reads/op")
}

// work counts statements.
type work struct{ flushes, reads int64 }

func (w *work) add(flushes, reads int64) { w.flushes += flushes; w.reads += reads }

// BenchmarkOneNode is one agent that comes to a replica, until its row is known to the
// other one.
func BenchmarkOneNode(b *testing.B) {
	o := options{dsn: dbtest.URL(b)}
	x, y := newReplica(b, o), newReplica(b, o)
	before := x.rv.Work()
	for b.Loop() {
		n, leave := x.enter(api.NewID())
		y.knows(n.Key)
		leave()
	}
	after := x.rv.Work()
	b.ReportMetric(float64(after.Flushes-before.Flushes)/float64(b.N), "flushes/op")
	b.ReportMetric(float64(after.Reads-before.Reads)/float64(b.N), "reads/op")
}
