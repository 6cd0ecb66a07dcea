package rendezvous

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"coder.internal/coderd/coordinator"
	"coder.internal/database"
)

// page is how many rows are read with one exchange.
const page = 1000

// read takes over what was written since the last reading, or everything.
func (s *Service) read(ctx context.Context) error {
	began := s.opts.Clock.Now()
	if at := s.readAt.Load(); at != nil && apart(*at, began) > rereadAfter {
		s.snapshot = ""
	}
	whole := s.snapshot == ""
	if whole {
		s.round++
	}
	s.wanted = false
	snapshot := ""
	var after coordinator.NodeID
	for {
		seen, rows, err := s.readPage(ctx, after)
		if err != nil {
			return err
		}
		if snapshot == "" {
			snapshot = seen // what changes while pages are read is read again
		}
		s.learn(rows)
		if len(rows) < page {
			break
		}
		last := rows[len(rows)-1]
		after = coordinator.NodeID{ID: last.ID, Agent: last.AgentID}
	}
	if whole {
		s.coord.Unlisted(s.round)
	}
	s.snapshot = snapshot
	now := s.opts.Clock.Now()
	if s.readAt.Swap(&now) == nil {
		close(s.ready)
	}
	s.work.reads.Add(1)
	s.readFrom = now.Add(max(readPause, readShare*now.Sub(began)))
	return nil
}

// apart is how long two times are apart, by either clock: the monotonic one may stand
// still while a machine sleeps.
func apart(a, b time.Time) time.Duration { return max(b.Sub(a), b.Round(0).Sub(a.Round(0))) }

// readPage returns one page and a snapshot that saw all of it.
func (s *Service) readPage(ctx context.Context, after coordinator.NodeID) (snapshot string, rows []database.ListNetworkNodesRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = s.db.Together(ctx, func(q *database.Queries) (err error) {
		snapshot, err = q.GetNetworkSnapshot(ctx)
		return err
	}, func(q *database.Queries) error {
		if s.snapshot == "" {
			rows, err = q.ListNetworkNodes(ctx, database.ListNetworkNodesParams{AfterID: after.ID, AfterAgent: after.Agent, Most: page})
			return err
		}
		changed, err := q.ListChangedNetworkNodes(ctx, database.ListChangedNetworkNodesParams{Since: s.snapshot,
			Replica: s.opts.Replica, AfterID: after.ID, AfterAgent: after.Agent, Most: page})
		rows = rows[:0]
		for _, r := range changed {
			rows = append(rows, database.ListNetworkNodesRow(r))
		}
		return err
	})
	if err != nil {
		return "", nil, fmt.Errorf("read nodes: %w", err)
	}
	s.work.rows.Add(int64(len(rows)))
	return snapshot, rows, nil
}

func (s *Service) learn(rows []database.ListNetworkNodesRow) {
	states := make([]coordinator.State, 0, len(rows))
	for _, r := range rows {
		st := coordinator.State{NodeID: coordinator.NodeID{ID: r.ID, Agent: r.AgentID}, Kind: coordinator.Kind(r.Kind),
			Wants: r.Wants, Connection: r.Connection, Fading: r.Fading, Gone: r.Gone, Departed: r.Departed,
			Mine: r.ReplicaID == s.opts.Replica}
		if err := json.Unmarshal(r.Node, &st.Node); err != nil {
			s.log.Warn("a row of a node is not readable", "node_id", r.ID.String(), "error", err)
			continue
		}
		states = append(states, st)
	}
	s.coord.Learn(s.round, states)
}

// clean removes rows that everybody has seen to be gone.
func (s *Service) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	old := s.old
	s.old = s.snapshot
	if old == "" {
		return nil
	}
	if _, err := s.db.DeleteGoneNetworkNodes(ctx, old); err != nil {
		return fmt.Errorf("delete nodes that are gone: %w", err)
	}
	return nil
}
