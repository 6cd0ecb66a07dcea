package serve

import (
	"time"

	"coder.internal/api"
	"coder.internal/cmd/internal/option"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/connectionlog"
	"coder.internal/coderd/retention"
	"coder.internal/coderd/users"
	"coder.internal/database/lease"
	"coder.internal/internal/clock"
)

// RetentionConfig says how long records are kept; zero is for ever.
type RetentionConfig struct {
	AuditLogs      time.Duration
	ConnectionLogs time.Duration
}

func retentionOptions(c *Config) option.Set {
	const g = "Retention"
	return option.Set{
		{Flag: "audit-logs-retention", Env: "CODER_AUDIT_LOGS_RETENTION", YAML: "retention.audit_logs", Group: g, Default: "0",
			Value: option.Duration(&c.Retention.AuditLogs), Doc: "How long entries of the audit log are kept, such as 365d; 0 is for ever."},
		{Flag: "connection-logs-retention", Env: "CODER_CONNECTION_LOGS_RETENTION", YAML: "retention.connection_logs", Group: g, Default: "0",
			Value: option.Duration(&c.Retention.ConnectionLogs), Doc: "How long the log of connections to workspaces is kept; 0 is for ever."},
	}
}

const (
	// lostAfter is how long an agent has been gone when its connections count as ended.
	lostAfter = 10 * time.Minute
	// statsKeep is how long figures of the use of agents and applications are of interest.
	statsKeep = 180 * 24 * time.Hour
)

// newRetention makes the cleaner of records.
func (s *Server) newRetention(entries *audit.Service, connections *connectionlog.Service, use *agents.Service, sites *apps.Service, people *users.Service) (*retention.Service, error) {
	return retention.New(retention.Options{Lease: lease.New(s.db, api.NewID(), s.log), Log: s.log, Clock: clock.Real(),
		Kinds: []retention.Kind{
			{Name: "audit log", Keep: s.cfg.Retention.AuditLogs, Clean: entries.DeleteOld},
			{Name: "connection log", Keep: s.cfg.Retention.ConnectionLogs, Clean: connections.DeleteOld},
			{Name: "connections of lost agents", Keep: lostAfter, Clean: connections.CloseLost},
			{Name: "use of agents", Keep: statsKeep, Clean: use.DeleteOldStats},
			{Name: "use of applications", Keep: statsKeep, Clean: sites.DeleteOldUsage},
			{Name: "idle users", Keep: users.DormantAfter, Clean: people.MarkDormant},
		}})
}
