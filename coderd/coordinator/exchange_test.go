package coordinator_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coordinator"
)

// others stands for the other replicas.
type others struct {
	mu    sync.Mutex
	fresh bool
	said  map[coordinator.NodeID]coordinator.State
	ended []coordinator.NodeID
}

func (o *others) Say(s coordinator.State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said[s.NodeID] = s
}

func (o *others) End(id coordinator.NodeID, _ int64, _ bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = append(o.ended, id)
}

func (o *others) Fresh() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fresh
}

func (o *others) setFresh(fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fresh = fresh
}

func (o *others) lastOf(id coordinator.NodeID) coordinator.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said[id]
}

func (o *others) hasEnded(id api.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.ended {
		if e.ID == id {
			return true
		}
	}
	return false
}

func joined(t *testing.T) (*desk, *others) {
	d := newDesk(t)
	o := &others{fresh: true, said: map[coordinator.NodeID]coordinator.State{}}
	d.c.Join(o)
	return d, o
}

func (d *desk) pass(n int) {
	d.t.Helper()
	for range n {
		d.clock.Advance(time.Second).MustWait(deadline(d.t, 10*time.Second))
	}
}

// While nothing is heard of the others, an agent that left may be with one of them.
func TestNobodyIsForgottenWithoutNewsOfTheOthers(t *testing.T) {
	t.Parallel()
	d, o := joined(t)
	agentID, _, agent, client := d.tunnel()
	o.setFresh(false)
	_ = agent.ws.CloseNow()
	waitFor(t, func() bool { return o.lastOf(coordinator.NodeID{ID: agentID}).Fading })
	d.pass(300)
	require.True(t, d.c.Knows(agent.node.Key))
	require.Empty(t, client.msgs)
	// They are heard of again, and get a moment to say where it is.
	o.setFresh(true)
	passed := 0
	waitFor(t, func() bool { // the coordinator looks at the clock when it gets to it
		d.pass(1)
		passed++
		return !d.c.Knows(agent.node.Key)
	})
	require.GreaterOrEqual(t, passed, 10)
	require.Empty(t, client.loses(agentID).Left)
	require.True(t, o.lastOf(coordinator.NodeID{ID: agentID}).Gone)
}

// Nodes whose rows were lost, or that fade elsewhere, have the time to come back that
// those here have; what fades elsewhere is forgotten with everybody.
func TestLostAndFadingNodesOfOthers(t *testing.T) {
	t.Parallel()
	d, o := joined(t)
	missing, fading, stays := api.NewID(), api.NewID(), api.NewID()
	state := func(id api.ID, fades bool) coordinator.State {
		n := newNode(id)
		n.ID = id
		return coordinator.State{NodeID: coordinator.NodeID{ID: id}, Kind: coordinator.KindAgent, Node: n, Connection: 1, Fading: fades}
	}
	m, f, s := state(missing, false), state(fading, false), state(stays, false)
	d.c.Learn(1, []coordinator.State{m, f, s})
	client := d.join(api.NewID(), missing.String(), "")
	client.say()
	client.sees(m.Node.Key)
	f.Fading = true
	d.c.Learn(2, []coordinator.State{f, s})
	d.c.Unlisted(2)
	require.False(t, d.c.AgentConnected(missing))
	require.True(t, d.c.AgentConnected(stays))
	d.pass(29)
	require.True(t, d.c.Knows(m.Node.Key))
	require.Empty(t, client.msgs)
	require.False(t, o.hasEnded(fading))
	d.pass(7)
	require.Empty(t, client.loses(missing).Left)
	waitFor(t, func() bool { return o.hasEnded(fading) })
	require.True(t, d.c.Knows(f.Node.Key), "until everybody hears of it")
	f.Gone = true
	d.c.Learn(2, []coordinator.State{f})
	require.False(t, d.c.Knows(f.Node.Key))
	require.True(t, d.c.AgentConnected(stays))
	// What is older than what is known changes nothing.
	s.Connection, s.Gone = 0, true
	d.c.Learn(2, []coordinator.State{s})
	require.True(t, d.c.AgentConnected(stays))
}

// An agent that comes and goes before anything of it was written needs no row.
func TestBriefNodes(t *testing.T) {
	t.Parallel()
	d, o := joined(t)
	id := coordinator.NodeID{ID: api.NewID()}
	p := d.join(id.ID, "agent", "")
	p.say()
	waitFor(t, func() bool { return o.lastOf(id).Node.Key == p.node.Key })
	first := o.lastOf(id)
	require.True(t, first.Brief)
	d.c.DropAgent(id.ID)
	require.True(t, o.lastOf(id).Brief && o.lastOf(id).Departed)
	p = d.join(id.ID, "agent", "")
	p.say()
	waitFor(t, func() bool { return o.lastOf(id).Session > first.Session })
	st := o.lastOf(id)
	st.Connection = 7
	d.c.Took(st)
	d.c.DropAgent(id.ID)
	last := o.lastOf(id)
	require.False(t, last.Brief)
	require.EqualValues(t, 7, last.Connection)
}
