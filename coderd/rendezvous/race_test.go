package rendezvous_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/database/dbtest"
)

// Two replicas take the same thing, and the second has not heard of the first: the
// database decides, and the second is told.
func TestDatabaseDecidesWhoHasIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steal func(first, agent *peer) (id api.ID, as string, n tailrpc.Node)
		words string
	}{
		"client id": {func(first, agent *peer) (api.ID, string, tailrpc.Node) {
			return first.id, agent.id.String(), newNode(first.id)
		}, "client id belongs to another node"},
		"router id": {func(_, agent *peer) (api.ID, string, tailrpc.Node) {
			return agent.id, "router", newNode(agent.id)
		}, "client id belongs to another node"},
		"id of an agent": {func(_, agent *peer) (api.ID, string, tailrpc.Node) {
			return agent.id, agent.id.String(), newNode(agent.id)
		}, "client id belongs to another node"},
		"key": {func(first, agent *peer) (api.ID, string, tailrpc.Node) {
			id := api.NewID()
			n := newNode(id)
			n.Key = first.node.Key
			return id, agent.id.String(), n
		}, "key belongs to another node"},
		"key of an agent": {func(_, agent *peer) (api.ID, string, tailrpc.Node) {
			id := api.NewID()
			n := newNode(id)
			n.Key = agent.node.Key
			return id, "agent", n
		}, "key belongs to another node"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Neither hints nor polling: each knows what it is told when it writes.
			o := options{dsn: dbtest.URL(t), deaf: true, poll: time.Hour}
			a, b := newReplica(t, o), newReplica(t, o)
			agent, first := tunnel(a, a)
			waitFor(t, func() bool { return rows(t, a, "not gone") == 2 })
			id, as, n := c.steal(first, agent)
			thief := b.dial(id, as, n)
			thief.say()
			require.Contains(t, thief.refused(), c.words)
			waitFor(t, func() bool { return !b.coord.Knows(n.Key) })
			require.Equal(t, 2, rows(t, a, "not gone and replica_id = '"+a.id.String()+"'"))
			first.keeps(agent.id)
			agent.keeps(first.id)
		})
	}
}

// The older websocket hears that it is the older one as soon as it says anything.
func TestOlderWebsocketIsToldWhenItSpeaks(t *testing.T) {
	t.Parallel()
	o := options{dsn: dbtest.URL(t), deaf: true, poll: time.Hour}
	a, b := newReplica(t, o), newReplica(t, o)
	agent := a.join(api.NewID(), "agent")
	waitFor(t, func() bool { return rows(t, a, "replica_id = '"+a.id.String()+"'") == 1 })
	agent.moved(b)
	waitFor(t, func() bool { return rows(t, a, "replica_id = '"+b.id.String()+"'") == 1 })
	agent.node.HomeRelay = 0
	agent.say()
	require.Contains(t, agent.refused(), "a newer connection of this agent took over")
	require.Equal(t, 1, rows(t, a, "replica_id = '"+b.id.String()+"' and not gone and fading_since is null"))
}

// The database stalls, and all connections to it end: pairs of one replica go on,
// nobody is told that anybody is gone, and what was said meanwhile is known afterwards.
func TestDatabaseStalls(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	agent, client := tunnel(a, b)
	tx, err := dbtest.Open(t, b.dsn()).Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "lock table network_nodes in access exclusive mode")
	require.NoError(t, err)
	near, own := tunnel(a, a)
	later := b.join(api.NewID(), near.id.String())
	brief := a.join(api.NewID(), near.id.String())
	near.sees(brief.node.Key)
	require.NoError(t, brief.ws.CloseNow())
	_, err = tx.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	require.NoError(t, err)
	// Some time in which every call fails or waits.
	agent.node.HomeRelay = 0
	agent.say()
	require.NoError(t, tx.Rollback(t.Context()))
	later.sees(near.node.Key)
	near.sees(later.node.Key)
	b.knows(own.node.Key)
	client.sees(agent.node.Key, func(n tailrpc.Node) bool { return n.HomeRelay == 0 })
	client.keeps(agent.id)
	agent.keeps(client.id)
	own.keeps(near.id)
}

// A server that failed over may have lost the rows: their owners write them again, and
// until then nobody takes the nodes for gone.
func TestRowsAreLost(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	agent, client := tunnel(a, b)
	waitFor(t, func() bool { return rows(t, a, "not gone") == 2 })
	admin := dbtest.Open(t, b.dsn()).Pool()
	_, err := admin.Exec(t.Context(), "truncate network_nodes")
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	require.NoError(t, err)
	waitFor(t, func() bool { return rows(t, newReader(t, b), "not gone and fading_since is null") == 2 })
	agent.node.Endpoints = []string{"10.0.0.7:7"}
	agent.say()
	client.sees(agent.node.Key, func(n tailrpc.Node) bool { return n.Endpoints[0] == "10.0.0.7:7" })
	client.keeps(agent.id)
	agent.keeps(client.id)
}

// newReader is a replica's database over connections of its own.
func newReader(t *testing.T, r *replica) *replica {
	t.Helper()
	return &replica{t: t, db: dbtest.Open(t, r.dsn())}
}

// A transaction that began earlier and ends later than others is not missed.
func TestLateCommitIsSeen(t *testing.T) {
	t.Parallel()
	a, b := pair(t, deaf)
	first := a.join(api.NewID(), "agent")
	b.knows(first.node.Key)
	// A slow replica: its row is written now and committed after others were read.
	tx, err := b.db.Pool().Begin(t.Context())
	require.NoError(t, err)
	slow := api.NewID()
	n := newNode(slow)
	_, err = tx.Exec(t.Context(), `insert into network_nodes (id, agent_id, kind, replica_id, connection, node_key, node, wants, gone, departed, writer, changed)
		select $1, agent_id, kind, $3, nextval('network_connections'), $2, jsonb_set(node, '{key}', to_jsonb($2::text)), wants, false, false, $3, pg_current_xact_id()
		from network_nodes where id = $4`, slow, n.Key, api.NewID(), first.id)
	require.NoError(t, err)
	for range 3 {
		b.knows(a.join(api.NewID(), "agent").node.Key)
	}
	require.False(t, b.coord.Knows(n.Key))
	require.NoError(t, tx.Commit(t.Context()))
	b.knows(n.Key)
	a.knows(n.Key)
}

// A router's wants are its own replica's, and reach the agents wherever they are.
func TestRouterWithManyWants(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	var wants []api.ID
	for range 1000 {
		wants = append(wants, api.NewID())
	}
	id := api.NewID()
	router := b.join(id, "router", wants...)
	far := a.join(wants[0], "agent")
	router.sees(far.node.Key)
	far.sees(router.node.Key)
	near := b.join(wants[999], "agent")
	router.sees(near.node.Key)
	near.sees(router.node.Key)
	router.say(wants[999])
	require.Empty(t, far.loses(id).Left)
	router.loses(far.id)
	near.keeps(id)
	router.say(wants...)
	far.sees(router.node.Key)
	require.NoError(t, router.ws.Close(wsNormal, ""))
	require.Contains(t, far.loses(id).Left, id)
	near.loses(id)
}
