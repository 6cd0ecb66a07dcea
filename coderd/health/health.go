// Package health says how the deployment is, as one replica sees it: its own
// access URL, the relay and websockets by that way, the database, the
// provisioner daemons, and the other replicas.
//
// It owns the last report, which it keeps for a while, and nothing else. It
// changes nothing and tells nobody but those who may read debug information.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/replicas"
	"coder.internal/database"
	"coder.internal/derp/netcheck"
	"coder.internal/internal/buildinfo"
	"coder.internal/internal/clock"
)

const (
	// keep is how long a report is given out again; forced ones come at least
	// forceGap apart.
	keep     = 10 * time.Minute
	forceGap = time.Second
	// dbThreshold is the median latency above which the database is slow.
	dbThreshold = 15 * time.Millisecond
	dbPings     = 5
	// daemonSilence is how long a daemon that says nothing counts as there.
	daemonSilence = 30 * time.Second
	// checkTimeout bounds a whole check.
	checkTimeout = 30 * time.Second
)

// Hints says whether hints come; *pubsub.PubSub does.
type Hints interface {
	// Trouble returns why none come, nil when they do.
	Trouble() error
}

// Options of New. All fields are required.
type Options struct {
	DB        *database.DB
	Hints     Hints
	AccessURL *url.URL
	RelayMap  func() tailrpc.RelayMap
	Replicas  *replicas.Service
	Log       *slog.Logger
	Clock     clock.Clock
}

// Service makes reports.
type Service struct {
	opts Options
	log  *slog.Logger
	turn chan struct{} // held by the one who checks

	mu   sync.Mutex
	last api.HealthReport // Time is zero before the first
}

// New returns a Service. It starts nothing.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Hints == nil || o.AccessURL == nil || o.RelayMap == nil || o.Replicas == nil || o.Log == nil || o.Clock == nil {
		return nil, errors.New("health: Options has a field that is not set")
	}
	return &Service{opts: o, log: o.Log.With("component", "health"), turn: make(chan struct{}, 1)}, nil
}

// Input of HandleReport.
type Input struct {
	Force bool `query:"force" doc:"Check now instead of answering from the last report."`
}

// HandleReport answers GET /debug/health.
func (s *Service) HandleReport(ctx context.Context, in *Input) (*httpapi.Out[api.HealthReport], error) {
	return httpapi.Reply(s.Report(ctx, in.Force))
}

// Report returns the last report, or makes one if that is old or force is set.
// One check runs at a time; whoever waited for it gets its result. It blocks
// for some seconds at most.
func (s *Service) Report(ctx context.Context, force bool) (api.HealthReport, error) {
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeDebugInfo}, "Health"); err != nil {
		return api.HealthReport{}, err
	}
	age := keep
	if force {
		age = forceGap
	}
	if r, ok := s.fresh(age); ok {
		return r, nil
	}
	select {
	case <-ctx.Done():
		return api.HealthReport{}, ctx.Err()
	case s.turn <- struct{}{}:
	}
	defer func() { <-s.turn }()
	if r, ok := s.fresh(age); ok {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	r, err := s.check(ctx)
	if err != nil {
		return api.HealthReport{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = r
	return r, nil
}

func (s *Service) fresh(age time.Duration) (api.HealthReport, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, !s.last.Time.IsZero() && s.opts.Clock.Since(s.last.Time) < age
}

func (s *Service) check(ctx context.Context) (api.HealthReport, error) {
	r := api.HealthReport{Time: s.opts.Clock.Now().UTC(), CoderVersion: buildinfo.Version(), Severity: api.HealthOK}
	if err := s.network(ctx, &r); err != nil {
		return r, err
	}
	r.Database = s.database(ctx)
	r.Daemons = s.daemons(ctx)
	r.Replicas = s.replicas()
	for _, sec := range []*api.HealthSection{&r.AccessURL.HealthSection, &r.Database.HealthSection, &r.DERP, &r.Websocket, &r.Daemons.HealthSection, &r.Replicas.HealthSection} {
		sec.Healthy = sec.Severity != api.HealthError
		if sec.Severity == api.HealthError || sec.Severity == api.HealthWarning && r.Severity == api.HealthOK {
			r.Severity = sec.Severity
		}
	}
	r.Healthy = r.Severity != api.HealthError
	return r, ctx.Err()
}

func section() api.HealthSection {
	return api.HealthSection{Severity: api.HealthOK, Warnings: []api.HealthMessage{}}
}

// warn adds a finding; an error also says so in the section's own words.
func warn(sec *api.HealthSection, severity api.HealthSeverity, code, text string) {
	if sec.Severity != api.HealthError {
		sec.Severity = severity
	}
	if severity == api.HealthError && sec.Error == "" {
		sec.Error = code + ": " + text
	}
	sec.Warnings = append(sec.Warnings, api.HealthMessage{Code: code, Message: text})
}

// network walks to our own access URL, as clients do.
func (s *Service) network(ctx context.Context, r *api.HealthReport) error {
	tr, err := client.NewTransport(client.TLSFiles{})
	if err != nil {
		return fmt.Errorf("transport of the health check: %w", err)
	}
	m := s.opts.RelayMap()
	walk := netcheck.Run(ctx, netcheck.Config{URL: s.opts.AccessURL, Transport: tr.Plain(), Relays: &m})
	r.AccessURL = api.AccessURLHealth{HealthSection: section(), AccessURL: s.opts.AccessURL.Redacted()}
	r.DERP, r.Websocket = section(), section()
	for _, step := range walk.Steps {
		if step.Status != netcheck.Warning && step.Status != netcheck.Failed {
			continue
		}
		severity := api.HealthWarning
		if step.Status == netcheck.Failed {
			severity = api.HealthError
		}
		text := step.Detail + ". " + step.Cure
		switch step.Name {
		case "http":
			warn(&r.AccessURL.HealthSection, severity, "EACS04", text)
		case "upgrade":
			warn(&r.DERP, severity, "EDERP01", text)
		case "relay":
			warn(&r.DERP, severity, "EDERP02", text)
		case "stun":
			warn(&r.DERP, severity, "ESTUN01", text)
		case "websocket":
			warn(&r.Websocket, severity, "EWS01", text)
		default:
			warn(&r.AccessURL.HealthSection, severity, "EACS03", text)
		}
	}
	if len(m.Regions) == 0 {
		warn(&r.DERP, api.HealthError, "EDERP03", "There is no relay: switch the embedded one on with --derp-server-enable.")
	}
	h, _ := walk.Step("http")
	r.AccessURL.Reachable = h.Status == netcheck.OK
	return nil
}

func (s *Service) database(ctx context.Context) api.DatabaseHealth {
	h := api.DatabaseHealth{HealthSection: section(), ThresholdMS: dbThreshold.Milliseconds()}
	var took []time.Duration
	for range dbPings {
		start := s.opts.Clock.Now()
		if err := s.opts.DB.Ping(ctx); err != nil {
			// The text may name hosts and users of the database.
			s.log.Warn("database does not answer the health check", "error", err)
			warn(&h.HealthSection, api.HealthError, "EDB01", "The database does not answer; the log of the server has the reason.")
			return h
		}
		took = append(took, s.opts.Clock.Since(start))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	h.Reachable, h.Latency, h.LatencyMS = true, median.String(), median.Milliseconds()
	if median > dbThreshold {
		warn(&h.HealthSection, api.HealthWarning, "EDB02", fmt.Sprintf("The database takes %s for an empty question; up to %s is good.", median.Round(time.Millisecond), dbThreshold))
	}
	switch c := s.opts.DB.Condition(); c.Reason {
	case database.Full:
		warn(&h.HealthSection, api.HealthError, "EDB03", "The disk of the database is full: what is stored can be read, and nothing changes. Make room.")
	case database.ReadOnly:
		warn(&h.HealthSection, api.HealthError, "EDB03", "The database is read-only: what is stored can be read, and nothing changes. See which server is the primary and where the URL leads.")
	}
	if err := s.opts.Hints.Trouble(); err != nil {
		s.log.Warn("no hints at the health check", "error", err)
		warn(&h.HealthSection, api.HealthWarning, "EDB04", "Notifications of the database do not arrive, so changes show seconds later. A connection pooler in between, if there is one, has to lend connections for whole sessions.")
	}
	return h
}

func (s *Service) daemons(ctx context.Context) api.DaemonHealth {
	h := api.DaemonHealth{HealthSection: section()}
	rows, err := s.opts.DB.ListDaemonVersions(ctx, daemonSilence.Seconds())
	if err != nil {
		s.log.Warn("provisioner daemons not counted for the health check", "error", err)
		warn(&h.HealthSection, api.HealthError, "EUNKNOWN", "The provisioner daemons could not be counted; the log of the server has the reason.")
		return h
	}
	for _, row := range rows {
		h.Online += int(row.Daemons)
		if minor(row.Version) != minor(buildinfo.Version()) {
			warn(&h.HealthSection, api.HealthWarning, "EPD02", fmt.Sprintf("%d provisioner daemons run %.40s, the server %s. Update them.", row.Daemons, row.Version, buildinfo.Version()))
		}
	}
	if h.Online == 0 {
		warn(&h.HealthSection, api.HealthError, "EPD01", "No provisioner daemon is there, so no build runs. Start one with coder provisioner start, or use --provisioner-daemons.")
	}
	return h
}

// minor is the part of a version that has to agree.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}
