package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
)

// monitorSource is the log source that changes of watched resources are told in.
const (
	monitorSource = "Resource monitor"
	monitorIcon   = "/icon/database.svg"
)

// HandleMonitors answers POST /workspaceagents/me/monitors: the states of what the
// template wants watched. A change becomes one line in the agent's log, however
// often and by however many processes it is reported.
func (s *Service) HandleMonitors(ctx context.Context, in *BodyInput[agentrpc.Monitors]) (*httpapi.Empty, error) {
	a := httpmw.AgentFrom(ctx)
	raw, err := s.db.GetAgentMonitors(ctx, a.ID)
	if err != nil {
		return nil, fmt.Errorf("load monitors of agent %s: %w", a.ID, err)
	}
	var wanted agentrpc.ResourceMonitors
	if err := json.Unmarshal(raw, &wanted); err != nil {
		return nil, fmt.Errorf("decode monitors of agent %s: %w", a.ID, err)
	}
	// In one order for all, so that two reports cannot wait for each other.
	states := slices.SortedFunc(slices.Values(in.Body.States), func(x, y agentrpc.MonitorState) int {
		if x.Path < y.Path {
			return -1
		}
		return 1
	})
	for i, m := range states {
		if m.State != agentrpc.MonitorOK && m.State != agentrpc.MonitorNOK {
			return nil, api.Invalid("state", "use ok or nok")
		}
		if _, ok := watched(wanted, m.Path); !ok {
			return nil, api.Invalid("path", "the template does not watch this")
		}
		states[i].UsedPercent = min(100, max(0, m.UsedPercent))
	}
	return &httpapi.Empty{}, s.db.InTx(ctx, func(q *database.Queries) error {
		var lines []agentrpc.Log
		for _, m := range states {
			n, err := q.SetAgentMonitor(ctx, database.SetAgentMonitorParams{AgentID: a.ID, Path: m.Path, State: m.State,
				UsedPercent: int32(m.UsedPercent)}) //nolint:gosec // bounded above
			if err != nil {
				return fmt.Errorf("store monitor of agent %s: %w", a.ID, err)
			}
			if n > 0 {
				limit, _ := watched(wanted, m.Path)
				lines = append(lines, s.monitorLine(m, limit))
			}
		}
		return s.appendMonitorLines(ctx, q, a.ID, lines)
	})
}

// watched returns the threshold of what is watched at path.
func watched(m agentrpc.ResourceMonitors, path string) (int, bool) {
	if path == "" {
		if m.Memory == nil || !m.Memory.Enabled {
			return 0, false
		}
		return m.Memory.Threshold, true
	}
	for _, v := range m.Volumes {
		if v.Path == path && v.Enabled {
			return v.Threshold, true
		}
	}
	return 0, false
}

func (s *Service) monitorLine(m agentrpc.MonitorState, limit int) agentrpc.Log {
	what := "The memory"
	if m.Path != "" {
		what = "The volume of " + m.Path
	}
	l := agentrpc.Log{CreatedAt: s.opts.Clock.Now(), Level: api.LogInfo,
		Output: fmt.Sprintf("%s is %d %% full, below its threshold of %d %%.", what, m.UsedPercent, limit)}
	if m.State == agentrpc.MonitorNOK {
		l.Level = api.LogWarn
		l.Output = fmt.Sprintf("%s is %d %% full and has reached its threshold of %d %%.", what, m.UsedPercent, limit)
	}
	return l
}

// appendMonitorLines writes into the log source of the monitors, which it adds at
// the first time.
func (s *Service) appendMonitorLines(ctx context.Context, q *database.Queries, agent api.ID, lines []agentrpc.Log) error {
	if len(lines) == 0 {
		return nil
	}
	all, err := q.ListAgentLogSources(ctx, []api.ID{agent})
	if err != nil {
		return fmt.Errorf("list log sources of agent %s: %w", agent, err)
	}
	source := api.ID{}
	for _, r := range all {
		if r.DisplayName == monitorSource {
			source = r.ID
		}
	}
	if source.IsZero() {
		source = api.NewID()
		rows, err := json.Marshal([]sourceRow{{ID: source, AgentID: agent, DisplayName: monitorSource, Icon: monitorIcon}})
		if err != nil {
			return fmt.Errorf("encode log source: %w", err)
		}
		if err := q.InsertAgentLogSources(ctx, rows); err != nil {
			return fmt.Errorf("insert log source of agent %s: %w", agent, err)
		}
	}
	for i := range lines {
		lines[i].CreatedAt = lines[i].CreatedAt.Add(time.Duration(i) * time.Microsecond)
	}
	return s.appendLogs(ctx, q, agent, agentrpc.PatchLogs{LogSourceID: source, Logs: lines})
}
