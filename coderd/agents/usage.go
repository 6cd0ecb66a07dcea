package agents

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
	"coder.internal/internal/clock"
)

const (
	// usageInterval is the least time between two writes of what agents report of
	// their use, for all agents of this replica together.
	usageInterval = 2 * time.Second
	usageTimeout  = 10 * time.Second // of one write
	maxUsageRows  = 20_000           // gathered for one write
	maxUsageBytes = 32 << 20
	// maxUsageSeconds is the longest time that one report counts for: an agent that
	// was cut off for longer did not serve anybody over our network meanwhile.
	maxUsageSeconds = 600
)

var errUsageFull = &api.Error{Code: api.CodeUnavailable, Message: "More agents report their use than can be stored. Report again later."}

// usageRow is one report. All of its fields are in the JSON: an absent one would
// become null.
type usageRow struct {
	AgentID               api.ID                      `json:"agent_id"`
	WorkspaceID           api.ID                      `json:"workspace_id"`
	ReportID              api.ID                      `json:"report_id"`
	Seconds               int                         `json:"seconds"`
	Active                bool                        `json:"active"`
	SSH                   int                         `json:"ssh"`
	VSCode                int                         `json:"vscode"`
	JetBrains             int                         `json:"jetbrains"`
	ReconnectingPTY       int                         `json:"reconnecting_pty"`
	PortForwarding        int                         `json:"port_forwarding"`
	OpenedSSH             int                         `json:"opened_ssh"`
	OpenedVSCode          int                         `json:"opened_vscode"`
	OpenedJetBrains       int                         `json:"opened_jetbrains"`
	OpenedReconnectingPTY int                         `json:"opened_reconnecting_pty"`
	OpenedPortForwarding  int                         `json:"opened_port_forwarding"`
	Direct                int                         `json:"direct"`
	Relayed               int                         `json:"relayed"`
	LatencyMS             *float64                    `json:"latency_ms"`
	RxPackets             int64                       `json:"rx_packets"`
	RxBytes               int64                       `json:"rx_bytes"`
	TxPackets             int64                       `json:"tx_packets"`
	TxBytes               int64                       `json:"tx_bytes"`
	Relays                map[string]api.AgentLatency `json:"relays"`
}

// newUsageWriter returns the batch of reports, of which an agent has one under way
// at a time.
func newUsageWriter(c clock.Clock, store func(context.Context, []usageRow) error) *batch[api.ID, usageRow] {
	return &batch[api.ID, usageRow]{clock: c, name: "usage", interval: usageInterval, timeout: usageTimeout,
		maxRows: maxUsageRows, maxBytes: maxUsageBytes, full: errUsageFull, store: store,
		key:  func(v usageRow) api.ID { return v.AgentID },
		size: func(v usageRow) int { return 256 + 64*len(v.Relays) },
		merge: func(old, newer usageRow) (usageRow, error) {
			if old.ReportID != newer.ReportID {
				return old, &api.Error{Code: api.CodeUnavailable, Message: "The agent's last report is being stored. Report again in a moment."}
			}
			return newer, nil
		},
		wake: make(chan struct{}, 1), rows: map[api.ID]usageRow{}}
}

// storeUsage writes reports in one order for all replicas, so that two of them
// cannot wait for each other.
func (s *Service) storeUsage(ctx context.Context, rows []usageRow) error {
	slices.SortFunc(rows, func(a, b usageRow) int { return bytes.Compare(a.AgentID[:], b.AgentID[:]) })
	j, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode use of agents: %w", err)
	}
	if _, err := s.db.StoreAgentUsage(ctx, j); err != nil {
		return fmt.Errorf("store use of agents: %w", err)
	}
	return nil
}

// HandleUsage answers POST /workspaceagents/me/usage once the report is stored.
func (s *Service) HandleUsage(ctx context.Context, in *BodyInput[agentrpc.Usage]) (*httpapi.Empty, error) {
	a, u := httpmw.AgentFrom(ctx), in.Body
	if u.ID.IsZero() {
		return nil, api.Invalid("id", "every report needs an id of its own")
	}
	row := usageRow{AgentID: a.ID, WorkspaceID: a.WorkspaceID, ReportID: u.ID, Seconds: min(u.Seconds, maxUsageSeconds),
		Active: u.Open.Any() || u.Opened.Any(), SSH: u.Open.SSH, VSCode: u.Open.VSCode, JetBrains: u.Open.JetBrains,
		ReconnectingPTY: u.Open.ReconnectingPTY, PortForwarding: u.Open.PortForwarding,
		OpenedSSH: u.Opened.SSH, OpenedVSCode: u.Opened.VSCode, OpenedJetBrains: u.Opened.JetBrains,
		OpenedReconnectingPTY: u.Opened.ReconnectingPTY, OpenedPortForwarding: u.Opened.PortForwarding,
		Direct: u.Direct, Relayed: u.Relayed, LatencyMS: u.LatencyMS, RxPackets: u.Received.Packets,
		RxBytes: u.Received.Bytes, TxPackets: u.Sent.Packets, TxBytes: u.Sent.Bytes, Relays: s.relaysOf(u)}
	return &httpapi.Empty{}, s.usage.put(ctx, []usageRow{row})
}

// relaysOf names the regions that an agent has measured. Those that this
// deployment does not have are left out.
func (s *Service) relaysOf(u agentrpc.Usage) map[string]api.AgentLatency {
	out := map[string]api.AgentLatency{}
	if len(u.Relays) == 0 {
		return out
	}
	m := s.opts.RelayMap()
	for text, ms := range u.Relays {
		id, err := strconv.Atoi(text)
		region, ok := m.Regions[id]
		if err != nil || !ok || ms < 0 || ms > maxLatencyMS || math.IsNaN(ms) {
			continue
		}
		out[region.Name] = api.AgentLatency{Preferred: id == u.HomeRelay, LatencyMS: ms}
	}
	return out
}

const maxLatencyMS = 600_000

// DeleteOldStats removes at most limit figures of the use of agents that are older
// than keep, by the clock of the database, and returns how many.
func (s *Service) DeleteOldStats(ctx context.Context, keep time.Duration, limit int32) (int64, error) {
	n, err := s.db.DeleteOldAgentStats(ctx, database.DeleteOldAgentStatsParams{Seconds: keep.Seconds(), MaxRows: limit})
	if err != nil {
		return 0, fmt.Errorf("delete old figures of the use of agents: %w", err)
	}
	return n, nil
}
