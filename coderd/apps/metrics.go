package apps

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"coder.internal/database"
	"coder.internal/internal/clock"
)

const (
	metricsTimeout = 10 * time.Second
	metricsKeep    = 5 * time.Minute // how long figures are given out again
	maxMetricRows  = 20_000          // series; what is beyond is left out
)

// portsName is the application_name of all ports together.
const portsName = "Ports"

// Collector gives the metric of how much applications are used.
type Collector struct {
	db    *database.DB
	log   *slog.Logger
	clock clock.Clock
	use   *prometheus.Desc

	mu   sync.Mutex
	last []prometheus.Metric
	at   time.Time // of last, zero before the first
}

// NewCollector returns a Collector. It starts nothing.
func NewCollector(db *database.DB, log *slog.Logger, c clock.Clock) *Collector {
	return &Collector{db: db, log: log.With("component", "apps"), clock: c,
		use: prometheus.NewDesc("coderd_insights_applications_usage_seconds",
			"Time that signed-in users had applications in use, in whole minutes, over the last 30 days.",
			[]string{"application_name", "organization_name", "slug", "template_name"}, nil)}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) { ch <- c.use }

// Collect implements prometheus.Collector. It asks the database, every five minutes
// at most: the sum is over many rows. Where that fails there are no figures.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || c.clock.Since(c.at) >= metricsKeep {
		ctx, cancel := context.WithTimeout(context.Background(), metricsTimeout)
		defer cancel()
		rows, err := c.db.SumApplicationUsage(ctx, maxMetricRows)
		if err != nil {
			c.log.Warn("metrics of applications not collected", "error", err)
			return
		}
		c.last, c.at = make([]prometheus.Metric, 0, len(rows)), c.clock.Now()
		for _, r := range rows {
			name := portsName
			if r.Slug != "" {
				name = cmp.Or(r.ApplicationName, r.Slug)
			}
			c.last = append(c.last, prometheus.MustNewConstMetric(c.use, prometheus.GaugeValue, float64(60*r.Minutes),
				name, r.OrganizationName, r.Slug, r.TemplateName))
		}
	}
	for _, m := range c.last {
		ch <- m
	}
}
