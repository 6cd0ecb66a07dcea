package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

const (
	// metadataInterval is the least time between two writes of measured values,
	// for all agents of this replica together.
	metadataInterval = 2 * time.Second
	metadataTimeout  = 10 * time.Second // of one write
	maxMetadataRows  = 50_000           // gathered for one write
	maxMetadataBytes = 32 << 20
)

var errMetadataFull = &api.Error{Code: api.CodeUnavailable, Message: "More values are reported than can be stored. Report again later."}

type metadataKey struct {
	agent api.ID
	key   string
}

// metadataValue has all of its fields in JSON: an absent one would become null.
type metadataValue struct {
	AgentID     api.ID    `json:"agent_id"`
	Key         string    `json:"key"`
	Value       string    `json:"value"`
	Error       string    `json:"error"`
	CollectedAt time.Time `json:"collected_at"`
}

// newMetadataWriter returns the batch of measured values: a newer value of an item
// replaces an older one that still waits.
func newMetadataWriter(c clock.Clock, store func(context.Context, []metadataValue) error) *batch[metadataKey, metadataValue] {
	return &batch[metadataKey, metadataValue]{clock: c, name: "metadata", interval: metadataInterval, timeout: metadataTimeout,
		maxRows: maxMetadataRows, maxBytes: maxMetadataBytes, full: errMetadataFull, store: store,
		key:   func(v metadataValue) metadataKey { return metadataKey{v.AgentID, v.Key} },
		size:  func(v metadataValue) int { return len(v.Key) + len(v.Value) + len(v.Error) },
		merge: func(_, newer metadataValue) (metadataValue, error) { return newer, nil },
		wake:  make(chan struct{}, 1), rows: map[metadataKey]metadataValue{}}
}

// storeMetadata writes rows and tells all who watch.
func (s *Service) storeMetadata(ctx context.Context, rows []metadataValue) error {
	j, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		if _, err := q.SetAgentMetadata(ctx, j); err != nil {
			return fmt.Errorf("store metadata: %w", err)
		}
		return s.opts.PubSub.Publish(ctx, q, pubsub.TopicAgentMetadata())
	})
}

// HandleMetadata answers POST /workspaceagents/me/metadata once the values are
// stored. Values over the limit are cut; keys that the template does not declare
// are dropped.
func (s *Service) HandleMetadata(ctx context.Context, in *BodyInput[agentrpc.Metadata]) (*httpapi.Empty, error) {
	a := httpmw.AgentFrom(ctx)
	values := make([]metadataValue, len(in.Body.Values))
	for i, v := range in.Body.Values {
		if y := v.CollectedAt.Year(); y < 1 || y > 9999 {
			return nil, api.Invalid("collected_at", "the time is out of range")
		}
		values[i] = metadataValue{AgentID: a.ID, Key: cut(clean(v.Key), maxName), CollectedAt: v.CollectedAt,
			Value: cut(clean(v.Value), agentrpc.MaxMetadataValue), Error: cut(clean(v.Error), agentrpc.MaxMetadataValue)}
	}
	if len(values) == 0 {
		return &httpapi.Empty{}, nil
	}
	return &httpapi.Empty{}, s.metadata.put(ctx, values)
}
