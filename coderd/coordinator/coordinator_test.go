package coordinator_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/coordinator"
	"coder.internal/derp/derpmap"
	"coder.internal/internal/wsconn"
)

// desk is a coordinator with a clock in the test's hand, behind real websockets.
type desk struct {
	t     *testing.T
	c     *coordinator.Coordinator
	clock *quartz.Mock
	url   string
	hooks coordinator.Hooks
	stop  func()
	mu    sync.Mutex
	keys  []string                // forgotten
	conns map[string]*wsconn.Conn // the newest of each id
}

func newDesk(t *testing.T, change ...func(*coordinator.Options, *desk)) *desk {
	d := &desk{t: t, clock: quartz.NewMock(t), conns: map[string]*wsconn.Conn{}}
	o := coordinator.Options{
		Log: testLog(), Clock: d.clock,
		RelayMap:  func() tailrpc.RelayMap { return derpmap.Build(derpmap.Config{}) },
		Forgotten: func(k string) { d.mu.Lock(); defer d.mu.Unlock(); d.keys = append(d.keys, k) },
	}
	for _, f := range change {
		f(&o, d)
	}
	c, err := coordinator.New(o)
	require.NoError(t, err)
	d.c = c
	srv := httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(srv.Close)
	d.url = srv.URL
	trap := d.clock.Trap().NewTicker("coordinator", "sweep")
	defer trap.Close()
	d.stop = background(t, c.Run)
	call := trap.MustWait(deadline(t, 10*time.Second))
	call.MustRelease(deadline(t, 10*time.Second))
	return d
}

func (d *desk) serve(w http.ResponseWriter, r *http.Request) {
	ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
	if err != nil {
		return
	}
	q := r.URL.Query()
	var agent api.ID
	id := api.MustParseID(q.Get("id"))
	d.mu.Lock()
	d.conns[q.Get("id")] = ws
	d.mu.Unlock()
	ctx := context.WithoutCancel(r.Context())
	switch q.Get("as") {
	case "agent":
		_ = d.c.ServeAgent(ctx, ws, id, d.hooks)
	case "router":
		denied := q.Get("denied")
		_ = d.c.ServeRouter(ctx, ws, id, func(a api.ID) bool { return a.String() != denied })
	default:
		agent = api.MustParseID(q.Get("as"))
		_ = d.c.ServeClient(ctx, ws, id, agent)
	}
}

// served returns the desk's end of a node's newest connection.
func (d *desk) served(id api.ID) *wsconn.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conns[id.String()]
}

// peer is a node made of nothing but its messages.
type testPeer struct {
	t    *testing.T
	ws   *wsconn.Conn
	node tailrpc.Node
	msgs chan tailrpc.ServerMessage
	end  chan error
}

func newNode(id api.ID) tailrpc.Node {
	return tailrpc.Node{
		Key: key.NewNode().Public().String(), DiscoKey: key.NewDisco().Public().String(),
		Addresses: []string{tailrpc.PrefixOf(id).String()}, Endpoints: []string{"10.0.0.1:41641"}, HomeRelay: 999,
	}
}

// join connects a node and waits for its first message; it does not speak yet.
func (d *desk) join(id api.ID, as, more string) *testPeer {
	d.t.Helper()
	ws, err := wsconn.Dial(deadline(d.t, 10*time.Second), d.url+"?id="+id.String()+"&as="+as+more, wsconn.DialOptions{})
	require.NoError(d.t, err)
	p := &testPeer{t: d.t, ws: ws, node: newNode(id), msgs: make(chan tailrpc.ServerMessage, 100), end: make(chan error, 1)}
	go func() {
		for {
			var m tailrpc.ServerMessage
			if err := ws.Read(context.Background(), &m); err != nil {
				p.end <- err
				close(p.msgs)
				return
			}
			p.msgs <- m
		}
	}()
	d.t.Cleanup(func() { _ = ws.CloseNow() })
	first := p.next()
	require.Equal(d.t, id, first.Self)
	require.Contains(d.t, first.RelayMap.Regions, 999)
	if len(first.Upsert) > 0 {
		first.Self, first.RelayMap = api.ID{}, nil
		p.msgs <- first
	}
	return p
}

func (p *testPeer) next() tailrpc.ServerMessage {
	p.t.Helper()
	select {
	case m, ok := <-p.msgs:
		if !ok {
			p.t.Fatalf("connection ended: %v", <-p.end)
		}
		return m
	case <-time.After(10 * time.Second):
		p.t.Fatal("no message")
		return tailrpc.ServerMessage{}
	}
}

func (p *testPeer) say(change ...func(*tailrpc.ClientMessage)) {
	p.t.Helper()
	n := p.node
	m := tailrpc.ClientMessage{Node: &n}
	for _, f := range change {
		f(&m)
	}
	require.NoError(p.t, p.ws.Write(deadline(p.t, 10*time.Second), m))
}

// sees waits for the upsert of a node with a key.
func (p *testPeer) sees(k string) tailrpc.Node {
	p.t.Helper()
	for {
		for _, n := range p.next().Upsert {
			if n.Key == k {
				return n
			}
		}
	}
}

func (p *testPeer) loses(id api.ID) tailrpc.ServerMessage {
	p.t.Helper()
	for {
		if m := p.next(); slices.Contains(m.Gone, id) {
			return m
		}
	}
}

func (p *testPeer) refused() string {
	p.t.Helper()
	select {
	case err := <-p.end:
		var ce *wsconn.CloseError
		require.ErrorAs(p.t, err, &ce)
		require.Equal(p.t, wsconn.CodePolicy, ce.Code)
		return ce.Reason
	case <-time.After(10 * time.Second):
		p.t.Fatal("the connection goes on")
		return ""
	}
}

// tunnel is an agent and a client that know each other.
func (d *desk) tunnel() (agentID, clientID api.ID, agent, client *testPeer) {
	d.t.Helper()
	agentID, clientID = api.NewID(), api.NewID()
	agent, client = d.join(agentID, "agent", ""), d.join(clientID, agentID.String(), "")
	agent.say()
	client.say()
	n := client.sees(agent.node.Key)
	require.Equal(d.t, agentID, n.ID)
	require.Equal(d.t, []string{"10.0.0.1:41641"}, n.Endpoints)
	require.Equal(d.t, 999, n.HomeRelay)
	require.Equal(d.t, clientID, agent.sees(client.node.Key).ID)
	return
}

func TestNodesLearnOfEachOtherAndOfChanges(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	agentID, _, agent, client := d.tunnel()
	require.True(t, d.c.AgentConnected(agentID))
	agent.node.Endpoints = []string{"10.0.0.2:1"}
	agent.say()
	require.Equal(t, []string{"10.0.0.2:1"}, client.sees(agent.node.Key).Endpoints)
	// A node in the middle of nowhere hears nothing of them.
	stranger := d.join(api.NewID(), api.NewID().String(), "")
	stranger.say()
	client.node.HomeRelay = 0
	client.say()
	require.Zero(t, agent.sees(client.node.Key).HomeRelay)
	require.Empty(t, stranger.msgs)
}

func TestBrokenConnectionFades(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	agentID, clientID, agent, client := d.tunnel()
	ctx := deadline(t, 20*time.Second)

	_ = client.ws.CloseNow()
	// It comes back in time: the agent never hears that it was gone.
	back := d.join(clientID, agentID.String(), "")
	back.node = client.node
	back.say()
	back.sees(agent.node.Key)
	agent.sees(client.node.Key)
	d.clock.Advance(time.Second).MustWait(ctx)
	require.True(t, d.c.Knows(client.node.Key))
	require.Empty(t, agent.msgs)

	// The agent breaks and stays away.
	_ = agent.ws.CloseNow()
	waitFor(t, func() bool { return !d.c.AgentConnected(agentID) })
	require.True(t, d.c.Knows(agent.node.Key))
	for range int(tailrpc.GoneDelay / time.Second) {
		d.clock.Advance(time.Second).MustWait(ctx)
	}
	require.Empty(t, back.loses(agentID).Left, "it may come back with its keys")
	require.False(t, d.c.Knows(agent.node.Key))
	d.mu.Lock()
	require.Equal(t, []string{agent.node.Key}, d.keys)
	d.mu.Unlock()
}

// waitFor polls for what no signal tells.
func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 10*time.Second, time.Millisecond)
}

func TestGoodbyeEndsTheTunnelAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, clientID, agent, client := d.tunnel()
	require.NoError(t, client.ws.Close(wsconn.CodeNormal, ""))
	require.Contains(t, agent.loses(clientID).Left, clientID)
	require.False(t, d.c.Knows(client.node.Key))
}

func TestNewerAgentConnectionWins(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var calls []string
	note := func(s string) func(context.Context) {
		return func(context.Context) { mu.Lock(); defer mu.Unlock(); calls = append(calls, s) }
	}
	d := newDesk(t)
	d.hooks = coordinator.Hooks{OnConnect: note("up"), OnDisconnect: note("down")}
	agentID, _, agent, client := d.tunnel()
	newer := d.join(agentID, "agent", "")
	require.Contains(t, agent.refused(), "newer")
	newer.sees(client.node.Key)
	newer.say()
	require.Equal(t, agentID, client.sees(newer.node.Key).ID)
	require.False(t, d.c.Knows(agent.node.Key))
	require.True(t, d.c.AgentConnected(agentID))
	_ = newer.ws.CloseNow()
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(calls) == 3 })
	require.Equal(t, []string{"up", "up", "down"}, calls)
}

func TestLiesAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, clientID, agent, _ := d.tunnel()
	for name, lie := range map[string]struct {
		change func(*tailrpc.Node)
		reason string
	}{
		"id":             {func(n *tailrpc.Node) { n.ID = clientID }, "not yours"},
		"key":            {func(n *tailrpc.Node) { n.Key = "nodekey:zz" }, "key is not a node key"},
		"zero key":       {func(n *tailrpc.Node) { n.Key = "nodekey:" + strings.Repeat("0", 64) }, "key is not a node key"},
		"disco":          {func(n *tailrpc.Node) { n.DiscoKey = "" }, "disco_key"},
		"address":        {func(n *tailrpc.Node) { n.Addresses = []string{tailrpc.PrefixOf(clientID).String()} }, "addresses must be"},
		"two addresses":  {func(n *tailrpc.Node) { n.Addresses = append(n.Addresses, "::/0") }, "one address"},
		"wider address":  {func(n *tailrpc.Node) { n.Addresses = []string{"fd5b:c19e:732a::/48"} }, "addresses must be"},
		"endpoint":       {func(n *tailrpc.Node) { n.Endpoints = []string{"example.com:1"} }, "endpoints[0]"},
		"multicast":      {func(n *tailrpc.Node) { n.Endpoints = []string{"224.0.0.1:1"} }, "endpoints[0]"},
		"port":           {func(n *tailrpc.Node) { n.Endpoints = []string{"10.0.0.1:0"} }, "endpoints[0]"},
		"many endpoints": {func(n *tailrpc.Node) { n.Endpoints = slices.Repeat([]string{"10.0.0.1:1"}, 65) }, "at most 64"},
		"taken key":      {func(n *tailrpc.Node) { n.Key = agent.node.Key }, "belongs to another node"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := d.join(api.NewID(), "agent", "")
			lie.change(&p.node)
			p.say()
			require.Contains(t, p.refused(), lie.reason)
		})
	}
}

func TestClientIDBelongsToItsKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	agentID, clientID, agent, client := d.tunnel()
	thief := d.join(clientID, agentID.String(), "")
	thief.say()
	require.Contains(t, thief.refused(), "another node")
	// An agent's id is not to be had either.
	thief = d.join(agentID, agentID.String(), "")
	thief.say()
	require.Contains(t, thief.refused(), "another node")
	// The owner was not disturbed.
	agent.node.Endpoints = nil
	agent.say()
	client.sees(agent.node.Key)
}

// A revoked tunnel is over at once and for good: the clock of this desk stands
// still, so there is no GoneDelay. Others with the same id are not touched.
func TestRevokedTunnelIsOverAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	agentID, clientID, agent, client := d.tunnel()
	mine := d.served(clientID)
	otherID := api.NewID()
	other := d.join(otherID, "agent", "")
	other.say()
	namesake := d.join(clientID, otherID.String(), "")
	namesake.say()
	other.sees(namesake.node.Key)

	d.c.Revoke(mine, "you may no longer")
	require.Equal(t, "you may no longer", client.refused())
	require.Contains(t, agent.loses(clientID).Left, clientID)
	require.False(t, d.c.Knows(client.node.Key))
	require.True(t, d.c.Knows(namesake.node.Key))
	require.True(t, d.c.AgentConnected(agentID))
	namesake.node.HomeRelay = 0
	namesake.say()
	require.Zero(t, other.sees(namesake.node.Key).HomeRelay)
}

func TestDrop(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	agentID, _, agent, _ := d.tunnel()
	second := d.join(api.NewID(), agentID.String(), "")
	second.say()
	second.sees(agent.node.Key)
	d.c.DropAgent(agentID)
	require.Contains(t, agent.refused(), "no longer wanted")
	second.loses(agentID)
	require.False(t, d.c.Knows(agent.node.Key))
	require.False(t, d.c.AgentConnected(agentID))
}

func TestRouterHasTheAgentsItAsksFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a, b, denied := api.NewID(), api.NewID(), api.NewID()
	pa, pb, pd := d.join(a, "agent", ""), d.join(b, "agent", ""), d.join(denied, "agent", "")
	pa.say()
	pb.say()
	pd.say()
	id := api.NewID()
	r := d.join(id, "router", "&denied="+denied.String())
	want := func(ids ...api.ID) func(*tailrpc.ClientMessage) {
		return func(m *tailrpc.ClientMessage) { m.Want = ids }
	}
	r.say(want(a, denied))
	r.sees(pa.node.Key)
	pa.sees(r.node.Key)
	r.say(want(b))
	r.loses(a)
	pa.loses(id)
	pb.sees(r.node.Key)
	require.Empty(t, pd.msgs)
	// An ordinary client names no agents.
	c := d.join(api.NewID(), a.String(), "")
	c.say(want(b))
	pa.sees(c.node.Key)
	require.Empty(t, pb.msgs)
}

func TestAwaitKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.join(api.NewID(), "agent", "")
	got := make(chan bool, 1)
	go func() { got <- d.c.AwaitKnown(deadline(t, 10*time.Second), p.node.Key) }()
	p.say()
	require.True(t, <-got)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, d.c.AwaitKnown(ctx, "nodekey:unknown"))
}

func TestRelayMapChanged(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	m := derpmap.Build(derpmap.Config{})
	d := newDesk(t, func(o *coordinator.Options, _ *desk) {
		o.RelayMap = func() tailrpc.RelayMap { mu.Lock(); defer mu.Unlock(); return m }
	})
	p := d.join(api.NewID(), "agent", "")
	mu.Lock()
	m = derpmap.Build(derpmap.Config{BlockDirect: true})
	mu.Unlock()
	d.c.RelayMapChanged()
	require.True(t, p.next().RelayMap.BlockDirect)
}

func TestStoppingAsksNodesToMove(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.join(api.NewID(), "agent", "")
	trap := d.clock.Trap().NewTimer("coordinator", "drain")
	defer trap.Close()
	stopped := make(chan struct{})
	go func() { d.stop(); close(stopped) }()
	require.True(t, p.next().Move)
	call := trap.MustWait(deadline(t, 10*time.Second))
	call.MustRelease(deadline(t, 10*time.Second))
	// It stays all the same, and is sent away.
	d.clock.Advance(2 * time.Second).MustWait(deadline(t, 10*time.Second))
	var ce *wsconn.CloseError
	require.ErrorAs(t, <-p.end, &ce)
	require.Equal(t, wsconn.CodeGoingAway, ce.Code)
	<-stopped
	// Whoever comes later is told to try elsewhere.
	ws, err := wsconn.Dial(deadline(t, 10*time.Second), d.url+"?as=agent&id="+api.NewID().String(), wsconn.DialOptions{})
	require.NoError(t, err)
	require.ErrorAs(t, ws.Read(deadline(t, 10*time.Second), &tailrpc.ServerMessage{}), &ce)
	require.Equal(t, wsconn.CodeTryLater, ce.Code)
}

func TestSilentNodeIsGivenUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *coordinator.Options, _ *desk) { o.PingInterval = 20 * time.Millisecond })
	var once, onceDown sync.Once
	alive, down := make(chan struct{}), make(chan struct{})
	d.hooks = coordinator.Hooks{
		OnAlive:      func(context.Context) { once.Do(func() { close(alive) }) },
		OnDisconnect: func(context.Context) { onceDown.Do(func() { close(down) }) },
	}
	d.join(api.NewID(), "agent", "") // reads, so it answers pings
	<-alive

	// This one never reads, so it never answers.
	ws, err := wsconn.Dial(deadline(t, 10*time.Second), d.url+"?as=agent&id="+api.NewID().String(), wsconn.DialOptions{})
	require.NoError(t, err)
	defer ws.CloseNow()
	select {
	case <-down:
	case <-time.After(10 * time.Second):
		t.Fatal("a silent node is kept")
	}
}
