package rendezvous_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/coordinator"
	"coder.internal/coderd/rendezvous"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/pubsub"
	"coder.internal/derp/derpmap"
	"coder.internal/internal/wsconn"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const patience = 30 * time.Second

// replica is a coordinator behind real websockets, and its rendezvous.
type replica struct {
	t     testing.TB
	id    api.ID
	db    *database.DB
	coord *coordinator.Coordinator
	rv    *rendezvous.Service
	clock *quartz.Mock // of the coordinator, where the test moves it
	url   string

	stopRendezvous, stopCoordinator func()

	mu      sync.Mutex
	conns   map[string]*wsconn.Conn // the newest of each id
	evicted []string
}

type options struct {
	dsn    string
	deaf   bool // hints do not arrive
	frozen bool // the coordinator's clock is the test's
	poll   time.Duration
}

// background runs f until the test ends, or until stop, and waits for it.
func background(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("background part: %v", err)
				}
			case <-time.After(patience):
				t.Error("background part does not end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func newReplica(t testing.TB, o options) *replica {
	r := &replica{t: t, id: api.NewID(), conns: map[string]*wsconn.Conn{}}
	log := slog.New(slog.DiscardHandler)
	r.db = dbtest.Open(t, o.dsn)
	ps := pubsub.New(r.db, log)
	if !o.deaf {
		background(t, ps.Run)
		<-ps.Ready()
	}
	co := coordinator.Options{Log: log, RelayMap: func() tailrpc.RelayMap { return derpmap.Build(derpmap.Config{}) },
		Forgotten: func(k string) { r.mu.Lock(); defer r.mu.Unlock(); r.evicted = append(r.evicted, k) }}
	if o.frozen {
		r.clock = quartz.NewMock(t)
		co.Clock = r.clock
	}
	var err error
	r.coord, err = coordinator.New(co)
	require.NoError(t, err)
	r.rv, err = rendezvous.New(rendezvous.Options{DB: r.db, PubSub: ps, Log: log, Clock: quartz.NewReal(), Replica: r.id, Coordinator: r.coord, PollInterval: o.poll})
	require.NoError(t, err)
	srv := httptest.NewServer(http.HandlerFunc(r.serve))
	r.url = srv.URL
	t.Cleanup(srv.Close)
	r.stopRendezvous = background(t, r.rv.Run)
	<-r.rv.Ready()
	if r.clock == nil {
		r.stopCoordinator = background(t, r.coord.Run)
		return r
	}
	trap := r.clock.Trap().NewTicker("coordinator", "sweep")
	defer trap.Close()
	r.stopCoordinator = background(t, r.coord.Run)
	call := trap.MustWait(within(t))
	call.MustRelease(within(t))
	return r
}

// pair is two replicas on one database.
func pair(t testing.TB, change ...func(*options)) (a, b *replica) {
	o := options{dsn: dbtest.URL(t)}
	for _, f := range change {
		f(&o)
	}
	return newReplica(t, o), newReplica(t, o)
}

func frozen(o *options) { o.frozen = true }
func deaf(o *options)   { o.deaf, o.poll = true, 50*time.Millisecond }

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (r *replica) serve(w http.ResponseWriter, q *http.Request) {
	ws, err := wsconn.Accept(w, q, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
	if err != nil {
		return
	}
	id, as := api.MustParseID(q.URL.Query().Get("id")), q.URL.Query().Get("as")
	r.mu.Lock()
	r.conns[id.String()] = ws
	r.mu.Unlock()
	ctx := context.WithoutCancel(q.Context())
	switch as {
	case "agent":
		_ = r.coord.ServeAgent(ctx, ws, id, coordinator.Hooks{})
	case "router":
		_ = r.coord.ServeRouter(ctx, ws, id, func(api.ID) bool { return true })
	default:
		_ = r.coord.ServeClient(ctx, ws, id, api.MustParseID(as))
	}
}

// revoke ends a client's newest websocket.
func (r *replica) revoke(id api.ID, words string) {
	r.mu.Lock()
	ws := r.conns[id.String()]
	r.mu.Unlock()
	r.coord.Revoke(ws, words)
}

func (r *replica) hasEvicted(k string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.evicted, k)
}

// knows waits until the replica knows a key, as its relay would.
func (r *replica) knows(k string) {
	r.t.Helper()
	require.True(r.t, r.coord.AwaitKnown(within(r.t), k))
}

// forgets waits until the replica knows a key no more.
func (r *replica) forgets(k string) {
	r.t.Helper()
	waitFor(r.t, func() bool { return !r.coord.Knows(k) })
}

// pass lets seconds pass for the coordinator.
func (r *replica) pass(d time.Duration) {
	r.t.Helper()
	for range int(d / time.Second) {
		r.clock.Advance(time.Second).MustWait(within(r.t))
	}
}

// waitFor polls for what no signal tells.
func waitFor(t testing.TB, f func() bool) {
	t.Helper()
	require.Eventually(t, f, patience, 2*time.Millisecond)
}

// peer is a node made of nothing but its messages.
type peer struct {
	t    testing.TB
	id   api.ID
	as   string
	ws   *wsconn.Conn
	node tailrpc.Node
	msgs chan tailrpc.ServerMessage
	end  chan error
}

func newNode(id api.ID) tailrpc.Node {
	return tailrpc.Node{Key: key.NewNode().Public().String(), DiscoKey: key.NewDisco().Public().String(),
		Addresses: []string{tailrpc.PrefixOf(id).String()}, Endpoints: []string{"10.0.0.1:41641"}, HomeRelay: 999}
}

// join connects a node and lets it speak.
func (r *replica) join(id api.ID, as string, want ...api.ID) *peer {
	r.t.Helper()
	p := r.dial(id, as, newNode(id))
	p.say(want...)
	return p
}

// moved connects a node again, as the same one.
func (p *peer) moved(to *replica, want ...api.ID) *peer {
	p.t.Helper()
	n := to.dial(p.id, p.as, p.node)
	n.say(want...)
	return n
}

func (r *replica) dial(id api.ID, as string, n tailrpc.Node) *peer {
	r.t.Helper()
	ws, err := wsconn.Dial(within(r.t), r.url+"?id="+id.String()+"&as="+as, wsconn.DialOptions{ReadLimit: tailrpc.MaxMessage})
	require.NoError(r.t, err)
	p := &peer{t: r.t, id: id, as: as, ws: ws, node: n, msgs: make(chan tailrpc.ServerMessage, 1000), end: make(chan error, 1)}
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
	r.t.Cleanup(func() { _ = ws.CloseNow() })
	return p
}

func (p *peer) say(want ...api.ID) {
	p.t.Helper()
	n := p.node
	require.NoError(p.t, p.ws.Write(within(p.t), tailrpc.ClientMessage{Node: &n, Want: want}))
}

func (p *peer) next() tailrpc.ServerMessage {
	p.t.Helper()
	select {
	case m, ok := <-p.msgs:
		if !ok {
			p.t.Fatalf("connection ended: %v", <-p.end)
		}
		return m
	case <-time.After(patience):
		p.t.Fatal("no message")
		return tailrpc.ServerMessage{}
	}
}

// sees waits for a node with a key that fits.
func (p *peer) sees(k string, fits ...func(tailrpc.Node) bool) tailrpc.Node {
	p.t.Helper()
	for {
		for _, n := range p.next().Upsert {
			if n.Key == k && (len(fits) == 0 || fits[0](n)) {
				return n
			}
		}
	}
}

func (p *peer) loses(id api.ID) tailrpc.ServerMessage {
	p.t.Helper()
	for {
		if m := p.next(); slices.Contains(m.Gone, id) {
			return m
		}
	}
}

// keeps fails if the node was told until now that id is gone.
func (p *peer) keeps(id api.ID) {
	p.t.Helper()
	for {
		select {
		case m, ok := <-p.msgs:
			require.True(p.t, ok, "connection ended")
			require.NotContains(p.t, m.Gone, id)
		default:
			return
		}
	}
}

// refused waits for the end of the connection, and returns its words.
func (p *peer) refused() string {
	p.t.Helper()
	select {
	case err := <-p.end:
		var ce *wsconn.CloseError
		require.ErrorAs(p.t, err, &ce)
		require.Equal(p.t, wsconn.CodePolicy, ce.Code)
		return ce.Reason
	case <-time.After(patience):
		p.t.Fatal("the connection goes on")
		return ""
	}
}

// tunnel is an agent on one replica and a client on another that know each other.
func tunnel(onAgent, onClient *replica) (agent, client *peer) {
	agentID := api.NewID()
	agent, client = onAgent.join(agentID, "agent"), onClient.join(api.NewID(), agentID.String())
	client.sees(agent.node.Key)
	agent.sees(client.node.Key)
	return agent, client
}
