package auth

import (
	"slices"
	"strings"

	"coder.internal/coderd/rbac"
)

// A scope is a composite (a name for several), "type:action" or "type:*". The
// names are those of the reference; what a composite holds is said here. Scopes
// only narrow: what a token may do is what its scopes and its user's roles both
// allow, at the moment of the request.

// scopeManageSelf is kept beside what it stands for where nothing wider is: keys of
// others stay closed to it, whatever roles the user has.
const scopeManageSelf = "coder:apikeys.manage_self"

// people is what every command asks for: who am I, in which organizations.
var people = []string{"user:read", "organization:read", "organization_member:read"}

var composites = map[string][]string{
	"coder:all":                 {rbac.ScopeAll},
	"coder:application_connect": {rbac.ScopeApplicationConnect},
	scopeManageSelf:             {"api_key:create", "api_key:read", "api_key:update", "api_key:delete"},
	"coder:templates.build":     with(people, "template:read", "file:create", "file:read", "provisioner_jobs:read"),
	"coder:templates.author": with(people, "template:read", "template:create", "template:update", "template:delete",
		"template:view_insights", "file:create", "file:read", "provisioner_jobs:read"),
	"coder:workspaces.create":  with(people, "template:read", "template:use", "workspace:create", "workspace:read", "workspace:update", "workspace:start", "provisioner_jobs:read"),
	"coder:workspaces.operate": with(people, "template:read", "template:use", "workspace:read", "workspace:update", "workspace:start", "workspace:stop", "provisioner_jobs:read"),
	"coder:workspaces.delete":  with(people, "template:read", "template:use", "workspace:read", "workspace:delete", "provisioner_jobs:read"),
	"coder:workspaces.access":  with(people, "template:read", "workspace:read", "workspace:ssh", "workspace:application_connect"),
}

func with(base []string, more ...string) []string { return append(slices.Clone(base), more...) }

// lowLevel lists the actions that a scope of a type may name.
var lowLevel = map[string]string{
	"api_key":                          "create delete read update",
	"assign_org_role":                  "assign create delete read unassign update",
	"assign_role":                      "assign read unassign",
	"audit_log":                        "create read",
	"connection_log":                   "read update",
	"crypto_key":                       "create delete read update",
	"debug_info":                       "read",
	"deployment_config":                "read update",
	"deployment_stats":                 "read",
	"file":                             "create read",
	"group":                            "create delete read update",
	"group_member":                     "read",
	"idpsync_settings":                 "read update",
	"inbox_notification":               "create read update",
	"license":                          "create delete read",
	"notification_message":             "create delete read update",
	"notification_preference":          "read update",
	"notification_template":            "read update",
	"oauth2_app":                       "create delete read update",
	"oauth2_app_code_token":            "create delete read",
	"oauth2_app_secret":                "create delete read update",
	"organization":                     "create delete read update",
	"organization_member":              "create delete read update",
	"prebuilt_workspace":               "delete update",
	"provisioner_daemon":               "create delete read update",
	"provisioner_jobs":                 "create read update",
	"replicas":                         "read",
	"system":                           "create delete read update",
	"tailnet_coordinator":              "create delete read update",
	"template":                         "create delete read update use view_insights",
	"user":                             "create delete read read_personal update update_personal",
	"user_secret":                      "create delete read update",
	"webpush_subscription":             "create delete read",
	"workspace":                        "application_connect create create_agent delete delete_agent read share ssh start stop update update_agent",
	"workspace_agent_devcontainers":    "create",
	"workspace_agent_resource_monitor": "create read update",
	"workspace_dormant":                "application_connect create create_agent delete delete_agent read share ssh start stop update update_agent",
	"workspace_proxy":                  "create delete read update",
}

// Scopes returns every scope that a token may carry, composites first.
func Scopes() []string {
	out := []string{rbac.ScopeAll, rbac.ScopeApplicationConnect}
	var rest []string
	for name := range composites {
		rest = append(rest, name)
	}
	slices.Sort(rest)
	out, rest = append(out, rest...), nil
	for typ, actions := range lowLevel {
		rest = append(rest, typ+":*")
		for _, a := range strings.Fields(actions) {
			rest = append(rest, typ+":"+a)
		}
	}
	slices.Sort(rest)
	return append(out, rest...)
}

// validScope reports whether a token may carry s.
func validScope(s string) bool {
	if s == rbac.ScopeAll || s == rbac.ScopeApplicationConnect || composites[s] != nil {
		return true
	}
	typ, action, ok := strings.Cut(s, ":")
	actions, known := lowLevel[typ]
	return ok && known && (action == "*" || slices.Contains(strings.Fields(actions), action))
}

// knownType reports whether an allow-list may name a type.
func knownType(s string) bool { return s == "*" || lowLevel[s] != "" }

// expand puts the parts of composites in their place.
func expand(scopes []string) []string {
	if len(scopes) == 1 && composites[scopes[0]] == nil {
		return scopes // sessions, nearly always
	}
	out := make([]string, 0, len(scopes))
	wider := false
	for _, s := range scopes {
		wider = wider || s == rbac.ScopeAll || s == "coder:all" || strings.HasPrefix(s, "api_key:")
		if parts := composites[s]; parts != nil {
			out = append(out, parts...)
		} else {
			out = append(out, s)
		}
	}
	if slices.Contains(scopes, scopeManageSelf) && !wider {
		out = append(out, scopeManageSelf)
	}
	return out
}

// covers reports whether a caller with the expanded scopes have may hand out want.
func covers(have, want []string) bool {
	if slices.Contains(have, rbac.ScopeAll) {
		return true
	}
	narrowed := selfOnly(have)
	for _, w := range want {
		// Whoever reaches only their own keys hands out no more than that.
		if narrowed && strings.HasPrefix(w, "api_key:") {
			return false
		}
		for _, part := range expand([]string{w}) {
			if part == scopeManageSelf {
				continue // takes away, gives nothing
			}
			typ, _, _ := strings.Cut(part, ":")
			if !slices.Contains(have, part) && !slices.Contains(have, typ+":*") {
				return false
			}
		}
	}
	return true
}

// inherited is what a key gets of its maker's expanded scopes where none are asked
// for.
func inherited(scopes []string) []string {
	if !selfOnly(scopes) {
		return scopes
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return strings.HasPrefix(s, "api_key:") })
}

// selfOnly reports whether expanded scopes leave the keys of others closed.
func selfOnly(scopes []string) bool { return slices.Contains(scopes, scopeManageSelf) }
