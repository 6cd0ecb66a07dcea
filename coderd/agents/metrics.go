package agents

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/database"
	"coder.internal/internal/clock"
)

const (
	metricsTimeout = 10 * time.Second
	metricsKeep    = 15 * time.Second // how long figures are given out again
	maxMetricRows  = 20_000           // agents; what is beyond is left out
)

// Collector gives metrics of the agents of running workspaces: those of their
// state, and where asked for, those of their use.
type Collector struct {
	db    *database.DB
	log   *slog.Logger
	clock clock.Clock
	use   bool

	mu   sync.Mutex
	last []prometheus.Metric
	at   time.Time // of last, zero before the first
}

// NewCollector returns a Collector. It starts nothing.
func NewCollector(db *database.DB, log *slog.Logger, c clock.Clock, use bool) *Collector {
	return &Collector{db: db, log: log.With("component", "agents"), clock: c, use: use}
}

// Describe implements prometheus.Collector; the set of series is not fixed.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. It asks the database, every 15 s at
// most. Where that fails there are no figures: old ones would be taken for new.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || c.clock.Since(c.at) >= metricsKeep {
		ctx, cancel := context.WithTimeout(context.Background(), metricsTimeout)
		defer cancel()
		fresh, err := c.measure(ctx)
		if err != nil {
			c.log.Warn("metrics of agents not collected", "error", err)
			return
		}
		c.last, c.at = fresh, c.clock.Now()
	}
	for _, m := range c.last {
		ch <- m
	}
}

func (c *Collector) measure(ctx context.Context) ([]prometheus.Metric, error) {
	rows, err := c.db.ListAgentMetrics(ctx, maxMetricRows)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	var out gauges
	at := make(map[api.ID]database.ListAgentMetricsRow, len(rows))
	ids := make([]api.ID, len(rows))
	up := map[[4]string]float64{}
	for i, r := range rows {
		a := r.WorkspaceAgent
		ids[i], at[a.ID] = a.ID, r
		status := statusOf(a, r.DbNow)
		n := 0.0
		if status == api.AgentConnected {
			n = 1
		}
		up[[4]string{r.TemplateName, r.TemplateVersion, r.Username, r.WorkspaceName}] += n
		out.add("coderd_agents_connections", "Agents with the state of their connection.", 1,
			"agent_name", a.Name, "lifecycle_state", a.LifecycleState, "status", string(status),
			"tailnet_node", tailrpc.AddressOf(a.ID).String(), "username", r.Username, "workspace_name", r.WorkspaceName)
		if err := out.relays(r); err != nil {
			return nil, err
		}
		if c.use && r.Live {
			out.usage(r)
		}
	}
	for k, n := range up {
		out.add("coderd_agents_up", "Connected agents of each workspace.", n,
			"template_name", k[0], "template_version", k[1], "username", k[2], "workspace_name", k[3])
	}
	apps, err := c.db.ListWorkspaceApps(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	for _, row := range apps {
		app, err := convertApp(row)
		if err != nil {
			return nil, err
		}
		r := at[row.AgentID]
		out.add("coderd_agents_apps", "Apps of agents with their health.", 1, "agent_name", r.WorkspaceAgent.Name,
			"app_name", cmp.Or(app.DisplayName, app.Slug), "health", app.Health, "username", r.Username, "workspace_name", r.WorkspaceName)
	}
	return out.all(), nil
}

// gauges gathers series. Two agents may have the same labels, such as the copies of
// one resource, or a workspace whose name differs in case; then their values add up.
type gauges struct {
	order []string
	sums  map[string]*series
}

type series struct {
	name, help     string
	labels, values []string
	x              float64
}

// add takes names and values of labels in turn.
func (g *gauges) add(name, help string, x float64, labels ...string) {
	key := fmt.Sprintf("%s%q", name, labels)
	if s := g.sums[key]; s != nil {
		s.x += x
		return
	}
	s := &series{name: name, help: help, x: x}
	for i := 0; i < len(labels); i += 2 {
		s.labels, s.values = append(s.labels, labels[i]), append(s.values, labels[i+1])
	}
	if g.sums == nil {
		g.sums = map[string]*series{}
	}
	g.sums[key] = s
	g.order = append(g.order, key)
}

func (g *gauges) all() []prometheus.Metric {
	out := make([]prometheus.Metric, 0, len(g.order))
	for _, key := range g.order {
		s := g.sums[key]
		m, err := prometheus.NewConstMetric(prometheus.NewDesc(s.name, s.help, s.labels, nil), prometheus.GaugeValue, s.x, s.values...)
		if err != nil {
			m = prometheus.NewInvalidMetric(prometheus.NewDesc(s.name, s.help, nil, nil), err)
		}
		out = append(out, m)
	}
	return out
}

func (g *gauges) relays(r database.ListAgentMetricsRow) error {
	var relays map[string]api.AgentLatency
	if err := json.Unmarshal(r.Relays, &relays); err != nil {
		return fmt.Errorf("decode distances of agent %s to relays: %w", r.WorkspaceAgent.ID, err)
	}
	for region, l := range relays {
		g.add("coderd_agents_connection_latencies_seconds", "Distance of agents to the relays.", l.LatencyMS/1000,
			"agent_name", r.WorkspaceAgent.Name, "derp_region", region, "preferred", strconv.FormatBool(l.Preferred),
			"username", r.Username, "workspace_name", r.WorkspaceName)
	}
	return nil
}

func (g *gauges) usage(r database.ListAgentMetricsRow) {
	labels := []string{"agent_name", r.WorkspaceAgent.Name, "username", r.Username, "workspace_name", r.WorkspaceName}
	one := func(name, help string, x float64) { g.add("coderd_agentstats_"+name, help, x, labels...) }
	one("connection_count", "Sessions and forwarded ports that are open.", float64(r.Ssh+r.Vscode+r.Jetbrains+r.ReconnectingPty+r.PortForwarding))
	one("session_count_ssh", "Sessions by SSH.", float64(r.Ssh))
	one("session_count_vscode", "Sessions by VS Code.", float64(r.Vscode))
	one("session_count_jetbrains", "Sessions by JetBrains.", float64(r.Jetbrains))
	one("session_count_reconnecting_pty", "Viewers of terminals in the browser.", float64(r.ReconnectingPty))
	one("rx_bytes", "Bytes that the agent received between its last two reports.", float64(r.RxBytes))
	one("tx_bytes", "Bytes that the agent sent between its last two reports.", float64(r.TxBytes))
	if r.LatencyMs != nil {
		one("connection_median_latency_seconds", "Median round trip to those who are connected.", *r.LatencyMs/1000)
	}
	for kind, n := range map[string]int32{"p2p": r.Direct, "derp": r.Relayed} {
		g.add("coderd_agentstats_currently_reachable_peers", "Peers that answer, by the way to them.", float64(n),
			"agent_name", r.WorkspaceAgent.Name, "connection_type", kind, "template_name", r.TemplateName,
			"username", r.Username, "workspace_name", r.WorkspaceName)
	}
}
