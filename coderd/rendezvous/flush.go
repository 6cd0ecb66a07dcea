package rendezvous

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/coordinator"
	"coder.internal/database"
)

// maxRaces is how often a batch is written at once again after somebody else was faster
// with a key.
const maxRaces = 3

// flush writes one batch, if there is one.
func (s *Service) flush(ctx context.Context) error {
	b := s.queue.take()
	if b.empty() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var rows []database.PutNetworkNodesRow
	var err error
	for race := 0; ; race++ {
		rows = nil
		err = s.db.InTx(ctx, func(q *database.Queries) (err error) {
			rows, err = s.put(ctx, q, b)
			return err
		})
		if race == maxRaces || !database.IsUniqueViolation(err) {
			break
		}
	}
	if err != nil {
		// Where only the answer to the commit was lost, the numbers are known, and the
		// rows are ours as long as nobody newer has them.
		number(&b, rows)
		s.queue.putBack(b)
		return err
	}
	s.work.flushes.Add(1)
	s.work.states.Add(int64(len(b.states)))
	s.settle(b, rows)
	return nil
}

// put is the transaction of a batch.
func (s *Service) put(ctx context.Context, q *database.Queries, b batch) (rows []database.PutNetworkNodesRow, err error) {
	if err := q.CommitLazily(ctx); err != nil { // owners write their rows again
		return nil, fmt.Errorf("write nodes: %w", err)
	}
	written := int64(0)
	if len(b.states) > 0 {
		params, err := s.params(b.states)
		if err != nil {
			return nil, err
		}
		if rows, err = q.PutNetworkNodes(ctx, params); err != nil {
			return nil, fmt.Errorf("write nodes: %w", err)
		}
		for _, r := range rows {
			if r.Written {
				written++
			}
		}
	}
	if len(b.ends) > 0 {
		n, err := s.putEnds(ctx, q, b.ends)
		if err != nil {
			return rows, err
		}
		written += n
	}
	if len(b.fades) > 0 {
		n, err := q.FadeNetworkNodes(ctx, b.fades)
		if err != nil {
			return rows, fmt.Errorf("let nodes fade: %w", err)
		}
		written += n
	}
	if written == 0 {
		return rows, nil
	}
	return rows, s.opts.PubSub.Publish(ctx, q, topic)
}

func (s *Service) putEnds(ctx context.Context, q *database.Queries, ends []ending) (int64, error) {
	type row struct {
		ID         api.ID `json:"id"`
		AgentID    api.ID `json:"agent_id"`
		Connection int64  `json:"connection"`
		Departed   bool   `json:"departed"`
	}
	list := make([]row, len(ends))
	for i, e := range ends {
		list[i] = row{e.id.ID, e.id.Agent, e.connection, e.departed}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return 0, fmt.Errorf("write ends: %w", err)
	}
	n, err := q.EndNetworkNodes(ctx, data)
	if err != nil {
		return 0, fmt.Errorf("end nodes: %w", err)
	}
	return n, nil
}

func (s *Service) params(states []coordinator.State) (p database.PutNetworkNodesParams, err error) {
	p.Replica = s.opts.Replica
	for _, st := range states {
		node, err := json.Marshal(st.Node)
		if err != nil {
			return p, fmt.Errorf("encode node %s: %w", st.ID, err)
		}
		p.Ids, p.AgentIds = append(p.Ids, st.ID), append(p.AgentIds, st.Agent)
		p.Kinds = append(p.Kinds, string(st.Kind))
		p.Sessions = append(p.Sessions, int64(st.Session)) //nolint:gosec // counts sessions of one process
		p.Connections = append(p.Connections, st.Connection)
		p.NodeKeys, p.Nodes = append(p.NodeKeys, st.Node.Key), append(p.Nodes, string(node))
		p.Wants = append(p.Wants, arrayOf(st.Wants))
		p.Fading = append(p.Fading, st.Fading)
		p.Gone, p.Departed = append(p.Gone, st.Gone), append(p.Departed, st.Departed)
	}
	return p, nil
}

// arrayOf is the text of a uuid[]: the same for the same ids.
func arrayOf(ids []api.ID) string {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b api.ID) int { return bytes.Compare(a[:], b[:]) })
	var b strings.Builder
	b.WriteByte('{')
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(id.String())
	}
	b.WriteByte('}')
	return b.String()
}

// number gives states the connections that they were written with.
func number(b *batch, rows []database.PutNetworkNodesRow) {
	numbers := make(map[coordinator.NodeID]int64, len(rows))
	for _, r := range rows {
		if r.Written || r.Same {
			numbers[coordinator.NodeID{ID: r.ID, Agent: r.AgentID}] = r.Connection
		}
	}
	for i := range b.states {
		if n := numbers[b.states[i].NodeID]; n != 0 {
			b.states[i].Connection = n
		}
	}
}

// settle tells the coordinator what became of its states.
func (s *Service) settle(b batch, rows []database.PutNetworkNodesRow) {
	verdicts := make(map[coordinator.NodeID]database.PutNetworkNodesRow, len(rows))
	for _, r := range rows {
		verdicts[coordinator.NodeID{ID: r.ID, Agent: r.AgentID}] = r
	}
	for _, st := range b.states {
		v := verdicts[st.NodeID]
		if v.Written || v.Same {
			// In this order: what is said meanwhile has the number, or gets it.
			st.Connection = v.Connection
			s.coord.Took(st)
			s.queue.numbered(st)
			continue
		}
		why, ok := refusal(v)
		if !ok {
			s.queue.retry(st)
			continue
		}
		s.log.Info("a node is another replica's or another node's", "node_id", st.ID.String(), "why", why.String())
		s.coord.Refused(st, why)
		s.queue.drop(st)
	}
	s.queue.done(b)
}

// refusal is why a state was not written; false where another try may tell.
func refusal(v database.PutNetworkNodesRow) (coordinator.Refusal, bool) {
	switch {
	case v.KeyTaken:
		return coordinator.KeyTaken, true
	case v.IDTaken:
		return coordinator.IDTaken, true
	case v.Newer:
		return coordinator.Newer, true
	case v.Dropped:
		return coordinator.Dropped, true
	}
	return 0, false
}
