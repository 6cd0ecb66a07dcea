package rendezvous_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// converge runs a test with hints and without: polling reaches the same.
func converge(t *testing.T, f func(t *testing.T, a, b *replica)) {
	for name, change := range map[string]func(*options){"hints": func(*options) {}, "polling": deaf} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t, change)
			f(t, a, b)
		})
	}
}

func TestNodesOfTwoReplicasMeet(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, b)
		a.knows(client.node.Key)
		b.knows(agent.node.Key)
		require.True(t, b.coord.AgentConnected(agent.id))
		require.False(t, b.coord.AskStreams(agent.id), "the tunnel is the way")
		require.True(t, a.coord.AskStreams(agent.id))
		// Changes travel both ways.
		agent.node.Endpoints = []string{"10.0.0.2:1"}
		agent.say()
		client.sees(agent.node.Key, func(n tailrpc.Node) bool { return n.Endpoints[0] == "10.0.0.2:1" })
		client.node.HomeRelay = 0
		client.say()
		agent.sees(client.node.Key, func(n tailrpc.Node) bool { return n.HomeRelay == 0 })
		// A client that is there before its agent.
		late := api.NewID()
		early := a.join(api.NewID(), late.String())
		b.knows(early.node.Key)
		other := b.join(late, "agent")
		early.sees(other.node.Key)
		other.sees(early.node.Key)
		agent.keeps(client.id)
		client.keeps(agent.id)
	})
}

func TestGoodbyeAcrossReplicas(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, b)
		require.NoError(t, client.ws.Close(wsconn.CodeNormal, ""))
		require.Contains(t, agent.loses(client.id).Left, client.id)
		a.forgets(client.node.Key)
		waitFor(t, func() bool { return a.hasEvicted(client.node.Key) })
		again := b.join(api.NewID(), agent.id.String())
		again.sees(agent.node.Key)
		require.NoError(t, agent.ws.Close(wsconn.CodeNormal, ""))
		require.Contains(t, again.loses(agent.id).Left, agent.id)
		b.forgets(agent.node.Key)
	})
}

// With hints, what ends is over within a second on every replica.
func TestRevokedTunnelIsOverElsewhere(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, b)
		other := b.join(api.NewID(), agent.id.String())
		agent.sees(other.node.Key)
		b.revoke(client.id, "you may no longer")
		require.Equal(t, "you may no longer", client.refused())
		require.Contains(t, agent.loses(client.id).Left, client.id)
		agent.keeps(other.id)
		other.keeps(agent.id)
	})
}

func TestDropElsewhere(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, b)
		b.coord.DropAgent(agent.id)
		require.Contains(t, client.loses(agent.id).Left, agent.id)
		require.Contains(t, agent.refused(), "no longer wanted")
		a.forgets(agent.node.Key)
		b.forgets(agent.node.Key)
		// It may be wanted again.
		back := agent.moved(a)
		client.sees(back.node.Key)
	})
}

// The agent moves while its old replica still holds the old socket.
func TestAgentMovesFromHalfOpenSocket(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, b)
		near := a.join(api.NewID(), agent.id.String())
		near.sees(agent.node.Key)
		agent.node.Endpoints = []string{"10.0.0.9:9"}
		moved := agent.moved(b)
		at := func(n tailrpc.Node) bool { return n.Endpoints[0] == "10.0.0.9:9" }
		client.sees(agent.node.Key, at)
		near.sees(agent.node.Key, at)
		require.Contains(t, agent.refused(), "a newer connection of this agent took over")
		moved.sees(near.node.Key)
		require.False(t, a.coord.AskStreams(agent.id))
		require.True(t, b.coord.AskStreams(agent.id))
		// And back, with a key of its own.
		last := a.join(agent.id, "agent")
		client.sees(last.node.Key)
		require.Contains(t, moved.refused(), "took over")
		b.forgets(agent.node.Key)
		near.keeps(agent.id)
		client.keeps(agent.id)
	})
}

func TestClientMovesFromHalfOpenSocket(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, a)
		b.knows(client.node.Key)
		moved := client.moved(b)
		moved.sees(agent.node.Key)
		require.Contains(t, client.refused(), "a newer connection of this client took over")
		moved.node.HomeRelay = 0
		moved.say()
		agent.sees(client.node.Key, func(n tailrpc.Node) bool { return n.HomeRelay == 0 })
		agent.keeps(client.id)
	})
}

// A replica dies. Its nodes come back elsewhere with their keys, and nobody hears
// that they were away; those that stay away are gone after GoneDelay.
func TestLostReplica(t *testing.T) {
	t.Parallel()
	a, b := pair(t, frozen)
	agent, client := tunnel(a, b)
	lost := a.join(api.NewID(), "agent")
	waits := b.join(api.NewID(), lost.id.String())
	waits.sees(lost.node.Key)
	// As if it had died: nobody speaks for its rows any more.
	a.die()
	for range 3 { // every replica says it, and some twice
		b.rv.ReplicaGone(t.Context(), []api.ID{a.id, api.NewID()})
	}
	waitFor(t, func() bool { return !b.coord.AgentConnected(agent.id) })
	require.True(t, b.coord.Knows(agent.node.Key), "it may come back")
	b.pass(tailrpc.GoneDelay / 2)
	back := agent.moved(b)
	back.sees(client.node.Key)
	client.sees(agent.node.Key)
	// The other one stays away.
	b.pass(tailrpc.GoneDelay/2 + 10*time.Second)
	require.Empty(t, waits.loses(lost.id).Left, "it may come back with its keys")
	b.forgets(lost.node.Key)
	client.keeps(agent.id)
	back.keeps(client.id)
	// Whoever starts later sees the same.
	c := newReplica(t, options{dsn: b.dsn(), frozen: true})
	require.True(t, c.coord.Knows(agent.node.Key))
	require.False(t, c.coord.Knows(lost.node.Key))
}

// An agent of a lost replica whose rows nobody has let fade is known all the same, and
// comes back.
func TestStoppingReplicaLetsItsNodesFade(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	agent, client := tunnel(a, b)
	a.stopCoordinator()
	a.stopRendezvous()
	waitFor(t, func() bool { return !b.coord.AgentConnected(agent.id) })
	require.True(t, b.coord.Knows(agent.node.Key))
	back := agent.moved(b)
	back.sees(client.node.Key)
	client.sees(agent.node.Key)
	client.keeps(agent.id)
}

// A replica that was held for dead, and lives, takes its nodes back.
func TestFalseDeath(t *testing.T) {
	t.Parallel()
	a, b := pair(t, frozen)
	agent, client := tunnel(a, b)
	before := since(t, b, agent.id)
	b.rv.ReplicaGone(t.Context(), []api.ID{a.id})
	waitFor(t, func() bool {
		return rows(t, b, "replica_id = writer and fading_since is null and updated_at > "+before) == 1
	})
	waitFor(t, func() bool { return b.coord.AgentConnected(agent.id) })
	client.keeps(agent.id)
	agent.keeps(client.id)
}

func since(t *testing.T, r *replica, id api.ID) string {
	t.Helper()
	var at string
	require.NoError(t, r.db.Pool().QueryRow(t.Context(), `select quote_literal(updated_at::text) from network_nodes where id = $1`, id).Scan(&at))
	return at
}

// rows counts rows of nodes.
func rows(t testing.TB, r *replica, where string) (n int) {
	t.Helper()
	require.NoError(t, r.db.Pool().QueryRow(t.Context(), "select count(*) from network_nodes where "+where).Scan(&n))
	return n
}

func (r *replica) dsn() string { return r.db.Pool().Config().ConnString() }

// die ends a replica without a word to the others: what its coordinator and its
// rendezvous say at their end does not reach the database.
func (r *replica) die() {
	r.t.Helper()
	r.db.Close()
	r.stopRendezvous()
}

func TestStolenIDAndKey(t *testing.T) {
	t.Parallel()
	converge(t, func(t *testing.T, a, b *replica) {
		agent, client := tunnel(a, b)
		a.knows(client.node.Key)
		// The same id with another key.
		thief := a.join(client.id, agent.id.String())
		require.Contains(t, thief.refused(), "client id belongs to another node")
		// The id of an agent.
		thief = b.join(agent.id, agent.id.String())
		require.Contains(t, thief.refused(), "client id belongs to another node")
		// The same key under another id.
		other := api.NewID()
		n := newNode(other)
		n.Key = client.node.Key
		thief = a.dial(other, agent.id.String(), n)
		thief.say()
		require.Contains(t, thief.refused(), "key belongs to another node")
		n.Key = agent.node.Key
		thief = b.dial(other, "agent", n)
		thief.say()
		require.Contains(t, thief.refused(), "key belongs to another node")
		agent.keeps(client.id)
		client.keeps(agent.id)
		agent.node.Endpoints = nil
		agent.say()
		client.sees(agent.node.Key, func(n tailrpc.Node) bool { return len(n.Endpoints) == 0 })
	})
}
