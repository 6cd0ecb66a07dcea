package agents

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// App health as stored and shown.
const (
	HealthDisabled     = "disabled"
	HealthInitializing = "initializing"
	HealthHealthy      = "healthy"
	HealthUnhealthy    = "unhealthy"
)

// Limits of a report. They are far above what people write by hand.
const (
	maxAgents     = 500      // per job
	maxPerAgent   = 256      // apps, scripts, metadata items
	maxEnv        = 2_000    // variables of one agent
	maxItems      = 200      // coder_metadata items of one resource
	maxName       = 256      // bytes of names, types, addresses and other short texts
	maxText       = 8 << 10  // bytes of URLs, commands, paths
	maxScript     = 1 << 20  // bytes of a script
	maxReport     = 16 << 20 // bytes of all text of a report
	maxSeconds    = 30 * 24 * 3600
	maxDailyCost  = 1_000_000_000
	maxAgentName  = 32
	maxAppSlug    = 64
	maxHealthWait = 24 * 3600
)

var (
	nameRegex = regexp.MustCompile(`^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$`)

	sharingLevels = []string{"", "owner", "authenticated", "organization", "public"}
	openIns       = []string{"", "slim-window", "tab"}
	behaviors     = []string{"", "blocking", "non-blocking"}
	keyScopes     = []string{"", "all", "no_user_data"}
	displayApps   = []string{"vscode", "vscode_insiders", "web_terminal", "port_forwarding_helper", "ssh_helper"}
)

// CheckResources reports the first rule that a job's report breaks, as an
// *api.Error of CodeInvalid. It is pure.
func CheckResources(resources []jobrpc.Resource) error {
	if len(resources) > jobrpc.MaxResources {
		return api.Invalid("resources", fmt.Sprintf("%d resources reported, at most %d are allowed", len(resources), jobrpc.MaxResources))
	}
	c := checker{names: map[string]bool{}}
	for _, r := range resources {
		c.resource(r)
		if c.err != nil {
			return c.err
		}
	}
	if c.bytes > maxReport {
		return api.Invalid("resources", fmt.Sprintf("the texts of all resources are larger than %d bytes together", maxReport))
	}
	return nil
}

// checker remembers the first error and what must be unique.
type checker struct {
	names map[string]bool // agent names of the job, lower case
	bytes int
	err   error
}

func (c *checker) fail(where, format string, args ...any) {
	if c.err == nil {
		c.err = api.Invalid(where, fmt.Sprintf(format, args...))
	}
}

func (c *checker) text(where, what, s string, limit int) {
	c.bytes += len(s)
	if len(s) > limit {
		c.fail(where, "%s is longer than %d bytes", what, limit)
	}
}

func (c *checker) count(where, what string, n, limit int) {
	if n > limit {
		c.fail(where, "%d %s, at most %d are allowed", n, what, limit)
	}
}

func (c *checker) oneOf(where, what, s string, allowed []string) {
	if !slices.Contains(allowed, s) {
		c.fail(where, "%s %q is not known; use one of: %s", what, clip(s), strings.TrimPrefix(strings.Join(allowed, ", "), ", "))
	}
}

func (c *checker) seconds(where, what string, n, limit int64) {
	if n < 0 || n > limit {
		c.fail(where, "%s of %d seconds is out of range; use 0 to %d", what, n, limit)
	}
}

func (c *checker) resource(r jobrpc.Resource) {
	where := "resource " + clip(cmp.Or(r.Address, r.Type+"."+r.Name))
	for what, s := range map[string]string{"type": r.Type, "name": r.Name} {
		if s == "" {
			c.fail(where, "%s is empty", what)
		}
		c.text(where, what, s, maxName)
	}
	c.text(where, "address", r.Address, maxText)
	c.text(where, "icon", r.Icon, maxText)
	if r.DailyCost < 0 || r.DailyCost > maxDailyCost {
		c.fail(where, "daily_cost %d is out of range", r.DailyCost)
	}
	c.count(where, "metadata items", len(r.Metadata), maxItems)
	for _, m := range r.Metadata {
		c.text(where, "metadata key", m.Key, maxName)
		c.text(where, "metadata value", m.Value, maxText)
	}
	for _, a := range r.Agents {
		c.agent(a)
	}
}

func (c *checker) agent(a jobrpc.Agent) {
	where := "coder_agent." + clip(a.Name)
	if len(a.Name) > maxAgentName || !nameRegex.MatchString(a.Name) {
		c.fail(where, "an agent's name is 1 to %d letters, digits and single hyphens between them; rename the resource in the template", maxAgentName)
	}
	key := strings.ToLower(a.Name)
	if c.names[key] {
		c.fail(where, "two agents have this name; agent names must differ within a template")
	}
	c.names[key] = true
	c.count("coder_agent", "agents", len(c.names), maxAgents)
	for what, s := range map[string]string{"os": a.OperatingSystem, "arch": a.Architecture, "instance_id": a.InstanceID, "token": a.Token.Reveal()} {
		c.text(where, what, s, maxName)
	}
	for what, s := range map[string]string{"dir": a.Directory, "motd_file": a.MOTDFile, "troubleshooting_url": a.TroubleshootingURL} {
		c.text(where, what, s, maxText)
	}
	c.oneOf(where, "startup_script_behavior", a.StartupScriptBehavior, behaviors)
	c.oneOf(where, "api_key_scope", a.APIKeyScope, keyScopes)
	c.count(where, "display apps", len(a.DisplayApps), len(displayApps))
	for _, d := range a.DisplayApps {
		c.oneOf(where, "display app", d, displayApps)
	}
	c.seconds(where, "connection_timeout", int64(a.ConnectionTimeoutSeconds), maxSeconds)
	c.count(where, "environment variables", len(a.Env), maxEnv)
	for k, v := range a.Env {
		c.text(where, "name of an environment variable", k, maxName)
		c.text(where, "environment variable "+clip(k), v, maxScript)
	}
	c.parts(where, a)
}

// parts checks what hangs on an agent.
func (c *checker) parts(where string, a jobrpc.Agent) {
	c.count(where, "apps", len(a.Apps), maxPerAgent)
	c.count(where, "scripts", len(a.Scripts), maxPerAgent)
	c.count(where, "metadata blocks", len(a.Metadata), maxPerAgent)
	slugs := map[string]bool{}
	for _, app := range a.Apps {
		at := "coder_app " + clip(app.Slug)
		if len(app.Slug) > maxAppSlug || !nameRegex.MatchString(app.Slug) {
			c.fail(at, "a slug is 1 to %d letters, digits and single hyphens between them", maxAppSlug)
		}
		if slugs[strings.ToLower(app.Slug)] {
			c.fail(at, "two apps of one agent have this slug")
		}
		slugs[strings.ToLower(app.Slug)] = true
		c.app(at, app)
	}
	for _, s := range a.Scripts {
		at := "coder_script " + clip(s.DisplayName)
		c.text(at, "display_name", s.DisplayName, maxName)
		c.text(at, "icon", s.Icon, maxText)
		c.text(at, "script", s.Script, maxScript)
		c.text(at, "log_path", s.LogPath, maxText)
		c.text(at, "cron", s.Cron, maxName)
		c.seconds(at, "timeout", int64(s.Timeout), maxSeconds)
	}
	c.devcontainers(where, a.Devcontainers)
	c.monitors(where, a.Monitors)
	keys := map[string]bool{}
	for _, m := range a.Metadata {
		if m.Key == "" || keys[m.Key] {
			c.fail(where, "metadata key %q is empty or used twice", clip(m.Key))
		}
		keys[m.Key] = true
		c.text(where, "metadata key", m.Key, maxName)
		c.text(where, "metadata display_name", m.DisplayName, maxName)
		c.text(where, "metadata script", m.Script, maxScript)
		c.seconds(where, "metadata interval", m.Interval, maxSeconds)
		c.seconds(where, "metadata timeout", m.Timeout, maxSeconds)
	}
}

func (c *checker) app(at string, app api.WorkspaceApp) {
	for what, s := range map[string]string{"display_name": app.DisplayName, "group": app.Group} {
		c.text(at, what, s, maxName)
	}
	for what, s := range map[string]string{"url": app.URL, "command": app.Command, "icon": app.Icon,
		"tooltip": app.Tooltip, "healthcheck url": app.Healthcheck.URL} {
		c.text(at, what, s, maxText)
	}
	c.oneOf(at, "share", app.SharingLevel, sharingLevels)
	c.oneOf(at, "open_in", app.OpenIn, openIns)
	c.seconds(at, "healthcheck interval", int64(app.Healthcheck.Interval), maxHealthWait)
	c.seconds(at, "healthcheck threshold", int64(app.Healthcheck.Threshold), maxHealthWait)
}

// clean makes foreign text storable.
func clean(s string) string { return database.Storable(s) }

func cleanMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[clean(k)] = clean(v)
	}
	return out
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// clip keeps foreign text short in messages.
func clip(s string) string {
	if len(s) > 64 {
		return cut(clean(s), 64) + "…"
	}
	return clean(s)
}
