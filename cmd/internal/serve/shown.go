package serve

import (
	"strings"

	"coder.internal/api"
	"coder.internal/cmd/internal/option"
)

// shownOptions are the options of this server as administrators see them. What
// a secret holds never leaves the process.
func (s *Server) shownOptions() []api.DeploymentOption {
	table := Options(&s.cfg, "")
	common := map[string]string{}
	for _, o := range table {
		common[o.Group] = commonKey(common, o)
	}
	out := []api.DeploymentOption{}
	for _, o := range table {
		v := api.DeploymentOption{Name: nameOf(o.Flag), Description: o.Doc, Flag: o.Flag, Shorthand: o.Short, Env: o.Env, YAML: o.YAML,
			Group: api.OptionGroup{Name: o.Group, YAML: common[o.Group]}, Default: o.Default, Value: o.JSON(),
			ValueSource: api.ValueSource(s.cfg.Origins[o.Flag]), Secret: o.Secret, Hidden: o.Hidden}
		if o.Secret {
			v.Annotations = map[string]string{"secret": "true"}
		}
		out = append(out, v)
	}
	return out
}

// commonKey is the section that all keys of a group seen so far begin with.
func commonKey(known map[string]string, o option.Option) string {
	section := ""
	if i := strings.LastIndexByte(o.YAML, '.'); i >= 0 {
		section = o.YAML[:i]
	}
	before, seen := known[o.Group]
	if !seen {
		return section
	}
	for before != section && !strings.HasPrefix(section+".", before+".") {
		i := strings.LastIndexByte(before, '.')
		if i < 0 {
			return ""
		}
		before = before[:i]
	}
	return before
}

// nameOf turns a flag into words: derp-server-stun-addresses → DERP Server STUN
// Addresses.
func nameOf(flag string) string {
	words := strings.Split(flag, "-")
	for i, w := range words {
		switch w {
		case "url", "derp", "stun", "tls", "ssh", "cli", "psk", "id", "ca", "aws", "http", "https", "json":
			words[i] = strings.ToUpper(w)
		default:
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// configKeys are the places of values in the config of the answer, by flag. They
// are those that clients of the reference read; other options are in the list only.
var configKeys = map[string]string{
	"access-url": "access_url", "redirect-to-access-url": "redirect_to_access_url", "http-address": "http_address",
	"secure-auth-cookie": "http_cookies.secure_auth_cookie", "samesite-auth-cookie": "http_cookies.same_site",
	"tls-enable": "tls.enable", "tls-address": "tls.address", "tls-cert-file": "tls.cert_file", "tls-key-file": "tls.key_file",
	"tls-min-version": "tls.min_version", "tls-client-auth": "tls.client_auth", "tls-client-ca-file": "tls.client_ca_file",
	"tls-redirect-http-to-https": "tls.redirect_http", "strict-transport-security": "strict_transport_security",
	"strict-transport-security-options": "strict_transport_security_options",
	"derp-server-enable":                "derp.server.enable", "derp-server-region-id": "derp.server.region_id",
	"derp-server-region-code": "derp.server.region_code", "derp-server-region-name": "derp.server.region_name",
	"derp-server-stun-addresses": "derp.server.stun_addresses", "derp-server-relay-url": "derp.server.relay_url",
	"derp-config-url": "derp.config.url", "derp-config-path": "derp.config.path",
	"derp-force-websockets": "derp.config.force_websockets", "block-direct-connections": "derp.config.block_direct",
	"prometheus-enable": "prometheus.enable", "prometheus-address": "prometheus.address",
	"pprof-enable": "pprof.enable", "pprof-address": "pprof.address", "log-human": "logging.human", "log-json": "logging.json",
	"log-stackdriver": "logging.stackdriver", "log-filter": "logging.log_filter", "verbose": "verbose",
	"telemetry": "telemetry.enable", "update-check": "update_check", "session-duration": "session_lifetime.default_duration",
	"disable-session-expiry-refresh": "session_lifetime.disable_expiry_refresh", "disable-password-auth": "disable_password_auth",
	"default-token-lifetime": "session_lifetime.default_token_lifetime", "max-token-lifetime": "session_lifetime.max_token_lifetime",
	"max-admin-token-lifetime": "session_lifetime.max_admin_token_lifetime", "provisioner-daemons": "provisioner.daemons",
	"provisioner-daemon-poll-interval": "provisioner.daemon_poll_interval", "provisioner-daemon-poll-jitter": "provisioner.daemon_poll_jitter",
	"provisioner-force-cancel-interval": "provisioner.force_cancel_interval", "cache-dir": "cache_directory",
	"postgres-conn-max-open": "pg_conn_max_open", "workspace-hostname-suffix": "workspace_hostname_suffix",
	"ssh-hostname-prefix": "config_ssh.deploymentName", "ssh-config-options": "config_ssh.sshconfigOptions",
	"cli-upgrade-message": "cli_upgrade_message", "allow-workspace-renames": "allow_workspace_renames",
	"web-terminal-renderer":                        "web_terminal_renderer",
	"external-auth-github-default-provider-enable": "external_auth_github_default_provider_enable",
	"swagger-enable":                               "swagger.enable",
}

// shownConfig are the values of options in sections.
func shownConfig(options []api.DeploymentOption) map[string]any {
	out := map[string]any{}
	for _, o := range options {
		key, ok := configKeys[o.Flag]
		if !ok || o.Secret {
			continue
		}
		section := out
		parts := strings.Split(key, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := section[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				section[p] = next
			}
			section = next
		}
		section[parts[len(parts)-1]] = o.Value
	}
	return out
}
