package agents

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

const (
	maxLogSources = 200
	logPage       = 1_000
	overflowMark  = "(The agent's logs have reached their limit of 1 MiB. What follows is not kept.)"
)

// LogSourceRequest adds a place that logs come from. The agent makes the id.
type LogSourceRequest struct {
	ID          api.ID `json:"id"`
	DisplayName string `json:"display_name" maxLength:"256"`
	Icon        string `json:"icon" maxLength:"1024"`
}

// HandleLogSource answers POST /workspaceagents/me/log-source.
func (s *Service) HandleLogSource(ctx context.Context, in *BodyInput[LogSourceRequest]) (*httpapi.Out[api.AgentLogSource], error) {
	a, req := httpmw.AgentFrom(ctx), in.Body
	if req.ID.IsZero() {
		return nil, api.Invalid("id", "choose a random UUID")
	}
	rows, err := json.Marshal([]sourceRow{{ID: req.ID, AgentID: a.ID, DisplayName: clean(req.DisplayName), Icon: clean(req.Icon)}})
	if err != nil {
		return nil, fmt.Errorf("encode log source: %w", err)
	}
	var out api.AgentLogSource
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		if err := q.InsertAgentLogSources(ctx, rows); err != nil {
			return fmt.Errorf("insert log source of agent %s: %w", a.ID, err)
		}
		all, err := q.ListAgentLogSources(ctx, []api.ID{a.ID})
		if err != nil {
			return fmt.Errorf("list log sources of agent %s: %w", a.ID, err)
		}
		if len(all) > maxLogSources {
			return &api.Error{Code: api.CodeTooLarge, Message: fmt.Sprintf("An agent has at most %d log sources.", maxLogSources)}
		}
		for _, r := range all {
			if r.ID == req.ID {
				out = convertSource(r)
			}
		}
		return nil
	})
	return httpapi.OK(out), err
}

// HandlePatchLogs answers PATCH /workspaceagents/me/logs. A batch that is sent
// again right after itself is stored once. Lines over the limit are dropped, and
// a mark says so.
func (s *Service) HandlePatchLogs(ctx context.Context, in *BodyInput[agentrpc.PatchLogs]) (*httpapi.Out[api.Response], error) {
	a, req := httpmw.AgentFrom(ctx), in.Body
	if len(req.Logs) == 0 {
		return httpapi.OK(api.Response{Message: "Nothing to store."}), nil
	}
	batch, err := batchHash(req.Logs)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		found, err := q.HasLogSource(ctx, database.HasLogSourceParams{AgentID: a.ID, ID: req.LogSourceID})
		if err != nil {
			return fmt.Errorf("look for log source: %w", err)
		}
		if !found {
			return api.Invalid("log_source_id", "this agent has no such log source; add it first")
		}
		n, err := q.TakeLogBatch(ctx, database.TakeLogBatchParams{AgentID: a.ID, ID: req.LogSourceID, Batch: batch})
		if err != nil {
			return fmt.Errorf("claim log batch: %w", err)
		}
		if n == 0 {
			return nil // the same batch again: the first answer was lost
		}
		return s.appendLogs(ctx, q, a.ID, req)
	})
	if err != nil {
		return nil, err
	}
	return httpapi.OK(api.Response{Message: "Logs stored."}), nil
}

func batchHash(logs []agentrpc.Log) ([]byte, error) {
	text, err := json.Marshal(logs)
	if err != nil {
		return nil, api.Invalid("logs", "a time is out of range")
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// appendLogs stores what fits below the limit of the agent.
func (s *Service) appendLogs(ctx context.Context, q *database.Queries, agent api.ID, req agentrpc.PatchLogs) error {
	state, err := q.LockAgentLogs(ctx, agent)
	if err != nil {
		return fmt.Errorf("lock logs of agent %s: %w", agent, err)
	}
	if state.LogsOverflowed {
		return nil
	}
	rows := database.InsertAgentLogsParams{AgentID: agent, SourceID: req.LogSourceID}
	length, over := int(state.LogsLength), false
	for _, l := range req.Logs {
		line := cleanLine(l.Output)
		cost := max(agentrpc.MinLogCost, len(line))
		if length+cost > agentrpc.MaxLogBytes {
			over = true
			rows.CreatedAts = append(rows.CreatedAts, l.CreatedAt)
			rows.Levels = append(rows.Levels, string(api.LogWarn))
			rows.Outputs = append(rows.Outputs, overflowMark)
			break
		}
		length += cost
		rows.CreatedAts = append(rows.CreatedAts, l.CreatedAt)
		rows.Levels = append(rows.Levels, string(level(l.Level)))
		rows.Outputs = append(rows.Outputs, line)
	}
	if err := q.InsertAgentLogs(ctx, rows); err != nil {
		return fmt.Errorf("insert logs of agent %s: %w", agent, err)
	}
	err = q.SetAgentLogsLength(ctx, database.SetAgentLogsLengthParams{ID: agent,
		LogsLength: int32(length), LogsOverflowed: over}) //nolint:gosec // below MaxLogBytes
	if err != nil {
		return fmt.Errorf("store length of logs of agent %s: %w", agent, err)
	}
	return s.opts.PubSub.Publish(ctx, q, pubsub.TopicAgent(agent))
}

// cleanLine makes a line storable; a long one is cut with a mark.
func cleanLine(line string) string {
	line = clean(line)
	if len(line) > agentrpc.MaxLogLine {
		line = cut(line, agentrpc.MaxLogLine-utf8.RuneLen('…')) + "…"
	}
	return line
}

func level(l api.LogLevel) api.LogLevel {
	switch l {
	case api.LogTrace, api.LogDebug, api.LogInfo, api.LogWarn, api.LogError:
		return l
	}
	return api.LogInfo
}

// logsAfter returns up to one page of lines; before is 0 for no upper bound.
func (s *Service) logsAfter(ctx context.Context, agent api.ID, after, before int64) ([]api.AgentLog, error) {
	rows, err := s.db.ListAgentLogs(ctx, database.ListAgentLogsParams{AgentID: agent, AfterID: after, BeforeID: before, MaxRows: logPage})
	if err != nil {
		return nil, fmt.Errorf("list logs of agent %s: %w", agent, err)
	}
	out := make([]api.AgentLog, len(rows))
	for i, r := range rows {
		out[i] = api.AgentLog{ID: r.ID, CreatedAt: r.CreatedAt, Output: r.Output, Level: api.LogLevel(r.Level), SourceID: r.SourceID}
	}
	return out, nil
}

// logText is the plain form: one line with its time each.
func logText(logs []api.AgentLog) string {
	var b strings.Builder
	for _, l := range logs {
		b.WriteString(l.CreatedAt.UTC().Format(time.RFC3339) + " [" + string(l.Level) + "] " + l.Output + "\n")
	}
	return b.String()
}
