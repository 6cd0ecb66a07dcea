package serve

import (
	"coder.internal/cmd/internal/option"
	"coder.internal/site"
)

// Options returns the table of `coder server`. Names, keys and defaults are those
// of the reference; options whose feature this release does not have are absent,
// so that setting one is refused instead of silently ignored.
func Options(c *Config, cacheDir string) option.Set {
	return concat(networkOptions(c), appOptions(c), tlsOptions(c), derpOptions(c), introspectionOptions(c),
		sessionOptions(c), provisionerOptions(c, cacheDir), databaseOptions(c), clientOptions(c), externalAuthOptions(c),
		retentionOptions(c))
}

func concat(sets ...option.Set) option.Set {
	var out option.Set
	for _, s := range sets {
		out = append(out, s...)
	}
	return out
}

func networkOptions(c *Config) option.Set {
	const g = "Networking"
	return option.Set{
		{Flag: "access-url", Env: "CODER_ACCESS_URL", YAML: "networking.accessURL", Group: g, Value: option.URL(&c.AccessURL),
			Doc: "Where people and workspaces reach this deployment. Without it only this machine can."},
		{Flag: "redirect-to-access-url", Env: "CODER_REDIRECT_TO_ACCESS_URL", YAML: "networking.redirectToAccessURL", Group: g,
			Value: option.Bool(&c.RedirectToAccessURL), Doc: "Send browsers that come by another host name to the access URL."},
		{Flag: "http-address", Env: "CODER_HTTP_ADDRESS", YAML: "networking.http.httpAddress", Group: g, Default: "127.0.0.1:3000",
			Value: optionalHostPort(&c.HTTPAddress), Doc: "Address of plain HTTP; empty or \"off\" turns it off."},
		{Flag: "secure-auth-cookie", Env: "CODER_SECURE_AUTH_COOKIE", YAML: "networking.secureAuthCookie", Group: g,
			Value: option.Bool(&c.Session.SecureCookie), Doc: "Mark the session cookie Secure also when the access URL is not https."},
		{Flag: "samesite-auth-cookie", Env: "CODER_SAMESITE_AUTH_COOKIE", YAML: "networking.sameSiteAuthCookie", Group: g, Default: "lax",
			Value: option.Enum(&c.Session.SameSite, "lax", "none"), Doc: "SameSite attribute of the session cookie; none needs an access URL of https, or --secure-auth-cookie."},
		{Flag: "host-prefix-cookie", Env: "CODER_HOST_PREFIX_COOKIE", YAML: "networking.hostPrefixCookie", Group: g,
			Value: option.Bool(&c.Session.HostPrefixCookie), Doc: "Name the session cookie __Host-coder_session_token, so that no other host can set it; it needs an access URL of https, or --secure-auth-cookie."},
		{Flag: "additional-csp-policy", Env: "CODER_ADDITIONAL_CSP_POLICY", YAML: "networking.http.additionalCSPPolicy", Group: g,
			Value: option.Strings(&c.AdditionalCSP), Doc: "More of the Content-Security-Policy of the pages: a directive and its sources, such as \"img-src https://img.example.com\"."},
		{Flag: "shutdown-grace", Env: "CODER_SHUTDOWN_GRACE", YAML: "networking.shutdownGrace", Group: g, Default: "10s",
			Value: option.Duration(&c.ShutdownGrace), Doc: "How long a stopping server lets running requests and builds end by themselves."},
	}
}

func tlsOptions(c *Config) option.Set {
	const g = "Networking: TLS"
	return option.Set{
		{Flag: "tls-enable", Env: "CODER_TLS_ENABLE", YAML: "networking.tls.enable", Group: g, Value: option.Bool(&c.TLS.Enable),
			Doc: "Serve HTTPS."},
		{Flag: "tls-address", Env: "CODER_TLS_ADDRESS", YAML: "networking.tls.address", Group: g, Default: "127.0.0.1:3443",
			Value: option.HostPort(&c.TLS.Address), Doc: "Address of HTTPS."},
		{Flag: "tls-cert-file", Env: "CODER_TLS_CERT_FILE", YAML: "networking.tls.certFiles", Group: g, Value: option.Strings(&c.TLS.CertFiles),
			Doc: "PEM certificate files, each with its chain."},
		{Flag: "tls-key-file", Env: "CODER_TLS_KEY_FILE", YAML: "networking.tls.keyFiles", Group: g, Value: option.Strings(&c.TLS.KeyFiles),
			Doc: "PEM key files, in the order of the certificates."},
		{Flag: "tls-min-version", Env: "CODER_TLS_MIN_VERSION", YAML: "networking.tls.minVersion", Group: g, Default: "tls12",
			Value: option.Enum(&c.TLS.MinVersion, "tls12", "tls13"), Doc: "Oldest TLS version that clients may use."},
		{Flag: "tls-client-auth", Env: "CODER_TLS_CLIENT_AUTH", YAML: "networking.tls.clientAuth", Group: g, Default: "none",
			Value: option.Enum(&c.TLS.ClientAuth, "none", "request", "require-any", "verify-if-given", "require-and-verify"), Doc: "Whether clients must show a certificate."},
		{Flag: "tls-client-ca-file", Env: "CODER_TLS_CLIENT_CA_FILE", YAML: "networking.tls.clientCAFile", Group: g,
			Value: option.String(&c.TLS.ClientCAFile), Doc: "PEM file of the authorities that sign client certificates."},
		{Flag: "tls-redirect-http-to-https", Env: "CODER_TLS_REDIRECT_HTTP_TO_HTTPS", YAML: "networking.tls.redirectHTTP", Group: g, Default: "true", Hidden: true,
			Value: option.Bool(&c.TLS.RedirectHTTP), Doc: "Redirect plain HTTP to HTTPS when the access URL is https."},
		{Flag: "strict-transport-security", Env: "CODER_STRICT_TRANSPORT_SECURITY", YAML: "networking.tls.strictTransportSecurity", Group: g, Default: "0",
			Value: option.Int(&c.STSMaxAge, 0, 1<<31-1), Doc: "Seconds for the Strict-Transport-Security header of HTTPS answers; 0 sends none."},
		{Flag: "strict-transport-security-options", Env: "CODER_STRICT_TRANSPORT_SECURITY_OPTIONS", YAML: "networking.tls.strictTransportSecurityOptions", Group: g,
			Value: option.Strings(&c.STSOptions), Doc: "More directives of that header, such as includeSubDomains."},
	}
}

func derpOptions(c *Config) option.Set {
	const g = "Networking: relay"
	return option.Set{
		{Flag: "derp-server-enable", Env: "CODER_DERP_SERVER_ENABLE", YAML: "networking.derp.enable", Group: g, Default: "true",
			Value: option.Bool(&c.DERP.Enable), Doc: "Serve the embedded relay at /derp."},
		{Flag: "derp-server-region-id", Env: "CODER_DERP_SERVER_REGION_ID", YAML: "networking.derp.regionID", Group: g, Default: "999", Hidden: true,
			Value: option.Int(&c.DERP.RegionID, 1, 65535), Doc: "Region id of the embedded relay."},
		{Flag: "derp-server-region-code", Env: "CODER_DERP_SERVER_REGION_CODE", YAML: "networking.derp.regionCode", Group: g, Default: "coder", Hidden: true,
			Value: option.String(&c.DERP.RegionCode), Doc: "Region code of the embedded relay."},
		{Flag: "derp-server-region-name", Env: "CODER_DERP_SERVER_REGION_NAME", YAML: "networking.derp.regionName", Group: g, Default: "Coder Embedded Relay",
			Value: option.String(&c.DERP.RegionName), Doc: "Name of the embedded relay as people see it."},
		{Flag: "derp-server-stun-addresses", Env: "CODER_DERP_SERVER_STUN_ADDRESSES", YAML: "networking.derp.stunAddresses", Group: g,
			Default: "stun.l.google.com:19302,stun1.l.google.com:19302,stun2.l.google.com:19302,stun3.l.google.com:19302,stun4.l.google.com:19302",
			Value:   option.Strings(&c.DERP.STUNAddresses), Doc: "STUN servers that help to find direct paths; \"disable\" for none."},
		{Flag: "derp-server-stun-listen-address", Env: "CODER_DERP_SERVER_STUN_LISTEN_ADDRESS", YAML: "networking.derp.stunListenAddress", Group: g,
			Value: optionalHostPort(&c.DERP.STUNListen), Doc: "UDP address of a STUN server of our own, such as :3478; nodes ask it first. Empty is none."},
		{Flag: "derp-server-relay-url", Env: "CODER_DERP_SERVER_RELAY_URL", YAML: "networking.derp.relayURL", Group: g,
			Value: option.URL(&c.DERP.RelayURL), Doc: "Address of this server alone, at which other replicas reach its relay, such as http://10.0.0.1:3000. One server needs none."},
		{Flag: "derp-config-url", Env: "CODER_DERP_CONFIG_URL", YAML: "networking.derp.url", Group: g,
			Value: option.String(&c.DERP.MapURL), Doc: "URL of a map of more relays, asked every five minutes; the last good one is kept."},
		{Flag: "derp-config-path", Env: "CODER_DERP_CONFIG_PATH", YAML: "networking.derp.configPath", Group: g,
			Value: option.String(&c.DERP.MapPath), Doc: "File of a map of more relays."},
		{Flag: "derp-force-websockets", Env: "CODER_DERP_FORCE_WEBSOCKETS", YAML: "networking.derp.forceWebSockets", Group: g,
			Value: option.Bool(&c.DERP.ForceWebSockets), Doc: "Reach relays by websocket only, for networks that refuse other upgrades."},
		{Flag: "block-direct-connections", Env: "CODER_BLOCK_DIRECT", YAML: "networking.derp.blockDirect", Group: g,
			Value: option.Bool(&c.BlockDirect), Doc: "Send all workspace traffic through relays."},
	}
}

func introspectionOptions(c *Config) option.Set {
	const g = "Introspection"
	return option.Set{
		{Flag: "prometheus-enable", Env: "CODER_PROMETHEUS_ENABLE", YAML: "introspection.prometheus.enable", Group: g,
			Value: option.Bool(&c.Prometheus.Enable), Doc: "Serve metrics for Prometheus."},
		{Flag: "prometheus-address", Env: "CODER_PROMETHEUS_ADDRESS", YAML: "introspection.prometheus.address", Group: g, Default: "127.0.0.1:2112",
			Value: option.HostPort(&c.Prometheus.Address), Doc: "Address of the metrics."},
		{Flag: "prometheus-collect-agent-stats", Env: "CODER_PROMETHEUS_COLLECT_AGENT_STATS", YAML: "introspection.prometheus.collect_agent_stats", Group: g,
			Value: option.Bool(&c.CollectAgentStats), Doc: "Add metrics of the use of each agent."},
		{Flag: "pprof-enable", Env: "CODER_PPROF_ENABLE", YAML: "introspection.pprof.enable", Group: g,
			Value: option.Bool(&c.Pprof.Enable), Doc: "Serve Go profiles."},
		{Flag: "pprof-address", Env: "CODER_PPROF_ADDRESS", YAML: "introspection.pprof.address", Group: g, Default: "127.0.0.1:6060",
			Value: option.HostPort(&c.Pprof.Address), Doc: "Address of the profiles."},
		{Flag: "log-human", Env: "CODER_LOGGING_HUMAN", YAML: "introspection.logging.humanPath", Group: g, Default: "/dev/stderr",
			Value: option.String(&c.Log.Human), Doc: "File for logs that people read; empty is off."},
		{Flag: "log-json", Env: "CODER_LOGGING_JSON", YAML: "introspection.logging.jsonPath", Group: g,
			Value: option.String(&c.Log.JSON), Doc: "File for logs as JSON lines."},
		{Flag: "log-stackdriver", Env: "CODER_LOGGING_STACKDRIVER", YAML: "introspection.logging.stackdriverPath", Group: g,
			Value: option.String(&c.Log.Stackdriver), Doc: "File for logs as JSON lines with the field names of Google's logging."},
		{Flag: "log-filter", Short: "l", Env: "CODER_LOG_FILTER", YAML: "introspection.logging.filter", Group: g,
			Value: option.Strings(&c.Log.Filter), Doc: "Regular expressions: debug lines whose component or text matches are shown; .* shows all."},
		{Flag: "verbose", Env: "CODER_VERBOSE", YAML: "introspection.logging.verbose", Group: g, Hidden: true,
			Value: option.Bool(&c.Log.Verbose), Doc: "Show all debug lines."},
		{Flag: "swagger-enable", Env: "CODER_SWAGGER_ENABLE", YAML: "enableSwagger", Group: g,
			Value: option.Bool(&c.Swagger), Doc: "Show the page of the API at /swagger too; it is always at /api/v2/docs."},
		{Flag: "telemetry", Env: "CODER_TELEMETRY_ENABLE", YAML: "telemetry.enable", Group: g, Default: "false", Hidden: true,
			Value: option.Bool(&c.Telemetry), Doc: "Read so that existing files work. Nothing is ever sent."},
		{Flag: "update-check", Env: "CODER_UPDATE_CHECK", YAML: "updateCheck", Group: g, Default: "false", Hidden: true,
			Value: option.Bool(&c.UpdateCheck), Doc: "Read so that existing files work. Nothing is ever asked for."},
	}
}

func sessionOptions(c *Config) option.Set {
	const g = "Sessions and tokens"
	return option.Set{
		{Flag: "session-duration", Env: "CODER_SESSION_DURATION", YAML: "networking.http.sessionDuration", Group: g, Default: "24h",
			Value: option.Duration(&c.Session.Duration), Doc: "How long a session lives without use."},
		{Flag: "disable-session-expiry-refresh", Env: "CODER_DISABLE_SESSION_EXPIRY_REFRESH", YAML: "networking.http.disableSessionExpiryRefresh", Group: g,
			Value: option.Bool(&c.Session.DisableRefresh), Doc: "End sessions after their duration also while they are used."},
		{Flag: "disable-password-auth", Env: "CODER_DISABLE_PASSWORD_AUTH", YAML: "networking.http.disablePasswordAuth", Group: g,
			Value: option.Bool(&c.Session.DisablePassword), Doc: "Refuse password logins of everybody but owners."},
		{Flag: "default-token-lifetime", Env: "CODER_DEFAULT_TOKEN_LIFETIME", YAML: "defaultTokenLifetime", Group: g, Default: "168h",
			Value: option.Duration(&c.Session.DefaultTokenLifetime), Doc: "Lifetime of API tokens that name none."},
		{Flag: "max-token-lifetime", Env: "CODER_MAX_TOKEN_LIFETIME", YAML: "networking.http.maxTokenLifetime", Group: g, Default: "876600h",
			Value: option.Duration(&c.Session.MaxTokenLifetime), Doc: "Longest lifetime of API tokens."},
		{Flag: "max-admin-token-lifetime", Env: "CODER_MAX_ADMIN_TOKEN_LIFETIME", YAML: "networking.http.maxAdminTokenLifetime", Group: g, Default: "168h",
			Value: option.Duration(&c.Session.MaxAdminTokenLifetime), Doc: "Longest lifetime of API tokens of owners."},
		{Flag: "api-rate-limit", Env: "CODER_API_RATE_LIMIT", Group: g, Default: "512", Hidden: true,
			Value: option.Int(&c.APIRateLimit, -1, 1<<30), Doc: "Requests a minute that each user, or each address without a user, may send to a route of one replica; 0 and less is no limit."},
		{Flag: "dangerous-disable-rate-limits", Env: "CODER_DANGEROUS_DISABLE_RATE_LIMITS", Group: g, Hidden: true,
			Value: option.Bool(&c.DisableRateLimits), Doc: "Take away the limits of --api-rate-limit and of sign-ins. Failed passwords stay limited."},
		{Flag: "default-quiet-hours-schedule", Env: "CODER_QUIET_HOURS_DEFAULT_SCHEDULE", YAML: "userQuietHoursSchedule.defaultQuietHoursSchedule", Group: g, Default: "CRON_TZ=UTC 0 0 * * *",
			Value: option.String(&c.QuietHours.Default), Doc: "Daily schedule of the quiet hours of users who set none: a minute and an hour, maybe with a time zone."},
		{Flag: "allow-custom-quiet-hours", Env: "CODER_ALLOW_CUSTOM_QUIET_HOURS", YAML: "userQuietHoursSchedule.allowCustomQuietHours", Group: g, Default: "true",
			Value: option.Bool(&c.QuietHours.AllowCustom), Doc: "Let users set quiet hours of their own."},
	}
}

func provisionerOptions(c *Config, cacheDir string) option.Set {
	const g = "Provisioning"
	return option.Set{
		{Flag: "provisioner-daemons", Env: "CODER_PROVISIONER_DAEMONS", YAML: "provisioning.daemons", Group: g, Default: "3",
			Value: option.Int(&c.Provisioner.Daemons, 0, 256), Doc: "How many builds this server runs at once; 0 leaves all to external daemons."},
		{Flag: "provisioner-daemon-poll-interval", Env: "CODER_PROVISIONER_DAEMON_POLL_INTERVAL", YAML: "provisioning.daemonPollInterval", Group: g, Default: "1s",
			Value: option.Duration(&c.Provisioner.PollInterval), Doc: "How often a daemon looks for work when no hint has reached it."},
		{Flag: "provisioner-daemon-poll-jitter", Env: "CODER_PROVISIONER_DAEMON_POLL_JITTER", YAML: "provisioning.daemonPollJitter", Group: g, Default: "100ms",
			Value: option.Duration(&c.Provisioner.PollJitter), Doc: "Random part of that interval."},
		{Flag: "provisioner-force-cancel-interval", Env: "CODER_PROVISIONER_FORCE_CANCEL_INTERVAL", YAML: "provisioning.forceCancelInterval", Group: g, Default: "10s",
			Value: option.Duration(&c.Provisioner.ForceCancel), Doc: "How long a cancelled build may take to stop by itself before its processes are killed."},
		{Flag: "provisioner-daemon-psk", Env: "CODER_PROVISIONER_DAEMON_PSK", Group: g, Secret: true, Value: option.Secret(&c.Provisioner.PSK),
			Doc: "Pre-shared key of external provisioner daemons; keys of \"coder provisioner keys\" are the better way, because each can be deleted alone."},
		{Flag: "provisioner-terraform-path", Env: "CODER_PROVISIONER_TERRAFORM_PATH", YAML: "provisioning.terraformPath", Group: g,
			Value: option.String(&c.Provisioner.TerraformPath), Doc: "The terraform binary; without it the one on PATH is used, else one is downloaded where the network allows."},
		{Flag: "provisioner-mirror", Env: "CODER_PROVISIONER_MIRROR", YAML: "provisioning.mirror", Group: g,
			Value: option.String(&c.Provisioner.Mirror), Doc: "Directory in Terraform's filesystem-mirror layout, or a bundle made by templates bundle, that is searched for providers and modules before any registry."},
		{Flag: "provisioner-env", Env: "CODER_PROVISIONER_ENV", YAML: "provisioning.env", Group: g,
			Value: option.Strings(&c.Provisioner.Env), Doc: "Names of environment variables that templates may see, such as AWS_* or KUBECONFIG; without it all but CODER_*, PG* and TF_*. HOME is a private directory unless it is listed."},
		{Flag: "provisioner-user", Env: "CODER_PROVISIONER_USER", YAML: "provisioning.user", Group: g, Value: option.String(&c.Provisioner.User),
			Doc: "User that builds run as when the server is root on Linux: a name, a uid or uid:gid. A list or a range (10001-10003), one for each daemon, also keeps builds that run at once from each other."},
		{Flag: "provisioner-data-dir", Env: "CODER_PROVISIONER_DATA_DIR", YAML: "provisioning.dataDir", Group: g, Value: option.String(&c.Provisioner.DataDir),
			Doc: "Directory in which templates that keep things on this host keep them, such as host; by default data below the configuration directory, or /var/lib/coder/data with --provisioner-user, where each user has its own."},
		{Flag: "provisioner-keep-detached", Env: "CODER_PROVISIONER_KEEP_DETACHED", YAML: "provisioning.keepDetached", Group: g, Default: "true",
			Value: option.Bool(&c.Provisioner.KeepDetached), Doc: "Let what a start puts into a session of its own for its workspace outlive the build, as the starter template host needs it; off, all processes of a build end with it."},
		{Flag: "provisioner-job-timeout", Env: "CODER_PROVISIONER_JOB_TIMEOUT", YAML: "provisioning.jobTimeout", Group: g, Default: "1h",
			Value: option.Duration(&c.Provisioner.JobTimeout), Doc: "How long a build or import may take; 0 is no limit."},
		{Flag: "provisioner-job-disk", Env: "CODER_PROVISIONER_JOB_DISK", YAML: "provisioning.jobDisk", Group: g, Default: "5120",
			Value: option.Int(&c.Provisioner.JobDisk, 0, 1<<30), Doc: "MiB that the files of a build or import may take; 0 is no limit."},
		{Flag: "provisioner-job-memory", Env: "CODER_PROVISIONER_JOB_MEMORY", YAML: "provisioning.jobMemory", Group: g, Default: "4096",
			Value: option.Int(&c.Provisioner.JobMemory, 0, 1<<30), Doc: "MiB of memory that the processes of a build or import may hold together; 0 is no limit."},
		{Flag: "provisioner-job-processes", Env: "CODER_PROVISIONER_JOB_PROCESSES", YAML: "provisioning.jobProcesses", Group: g, Default: "2000",
			Value: option.Int(&c.Provisioner.JobMaxProc, 0, 1<<20), Doc: "Processes that a build or import may have at once; 0 is no limit."},
		{Flag: "cache-dir", Env: "CODER_CACHE_DIRECTORY", YAML: "cacheDir", Group: g, Default: cacheDir,
			Value: option.String(&c.CacheDir), Doc: "Directory for things that can be made again: unpacked binaries, initialised templates."},
	}
}

func databaseOptions(c *Config) option.Set {
	const g = "Database"
	return option.Set{
		{Flag: "postgres-url", Env: "CODER_PG_CONNECTION_URL", Group: g, Secret: true, Value: option.Secret(&c.PostgresURL),
			Doc: "URL of a PostgreSQL 13 or newer; without it the built-in one runs below the configuration directory."},
		{Flag: "postgres-conn-max-open", Env: "CODER_PG_CONN_MAX_OPEN", YAML: "pgConnMaxOpen", Group: g, Default: "10",
			Value: option.Int(&c.PostgresMaxOpen, 2, 1000), Doc: "Most connections to Postgres at once."},
		{Flag: "postgres-builtin-user", Env: "CODER_PG_BUILTIN_USER", YAML: "pgBuiltinUser", Group: g, Value: option.String(&c.PostgresUser),
			Doc: "System user that runs the built-in Postgres when the server is root; without it postgres or nobody."},
		{Flag: "external-token-encryption-keys", Env: "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS", Group: g, Secret: true, Value: option.Secrets(&c.EncryptionKeys),
			Doc: "Base64 keys of 32 bytes that encrypt state and secrets at rest, newest first; without them the server keeps a key file below the configuration directory."},
	}
}

func clientOptions(c *Config) option.Set {
	const g = "Clients"
	return option.Set{
		{Flag: "workspace-hostname-suffix", Env: "CODER_WORKSPACE_HOSTNAME_SUFFIX", YAML: "client.workspaceHostnameSuffix", Group: g, Default: "coder",
			Value: option.String(&c.SSH.HostnameSuffix), Doc: "Suffix of workspace host names in SSH configurations."},
		{Flag: "ssh-hostname-prefix", Env: "CODER_SSH_HOSTNAME_PREFIX", YAML: "client.sshHostnamePrefix", Group: g, Default: "coder.", Hidden: true,
			Value: option.String(&c.SSH.HostnamePrefix), Doc: "Older prefix of workspace host names."},
		{Flag: "ssh-config-options", Env: "CODER_SSH_CONFIG_OPTIONS", YAML: "client.sshConfigOptions", Group: g,
			Value: option.Strings(&c.SSH.Options), Doc: "KEY=VALUE lines that config-ssh adds for everybody."},
		{Flag: "cli-upgrade-message", Env: "CODER_CLI_UPGRADE_MESSAGE", YAML: "client.cliUpgradeMessage", Group: g,
			Value: option.String(&c.CLIUpgradeMessage), Doc: "What clients of another version are told to do."},
		{Flag: "web-terminal-renderer", Env: "CODER_WEB_TERMINAL_RENDERER", YAML: "client.webTerminalRenderer", Group: g, Default: "canvas",
			Value: option.Enum(&c.TerminalRenderer, site.Renderers...), Doc: "How terminals in the browser are drawn: canvas and webgl by the graphics card where there is one, dom by the browser's text."},
		{Flag: "allow-workspace-renames", Env: "CODER_ALLOW_WORKSPACE_RENAMES", YAML: "allowWorkspaceRenames", Group: g,
			Value: option.Bool(&c.AllowWorkspaceRenames), Doc: "Let owners rename workspaces. Templates that use the name may rebuild things."},
		{Flag: "disable-owner-workspace-access", Env: "CODER_DISABLE_OWNER_WORKSPACE_ACCESS", YAML: "disableOwnerWorkspaceAccess", Group: g,
			Value: option.Bool(&c.Rights.OwnersStayOut), Doc: "Keep the role owner from reaching into workspaces of others."},
		{Flag: "disable-workspace-sharing", Env: "CODER_DISABLE_WORKSPACE_SHARING", YAML: "disableWorkspaceSharing", Group: g,
			Value: option.Bool(&c.Rights.NoSharing), Doc: "Switch sharing of workspaces off; what was shared counts for nothing."},
		{Flag: "aws-identity-cert-file", Env: "CODER_AWS_IDENTITY_CERT_FILE", YAML: "client.awsIdentityCertFile", Group: g,
			Value: option.String(&c.Identity.AWSCertFile), Doc: "PEM file of the certificates by which AWS signs instance identity documents, of all regions in use, instead of those that are built in."},
		{Flag: "azure-identity-cert-file", Env: "CODER_AZURE_IDENTITY_CERT_FILE", YAML: "client.azureIdentityCertFile", Group: g,
			Value: option.String(&c.Identity.AzureCertFile), Doc: "PEM file of intermediate certificates between Azure's metadata service and the system's roots."},
	}
}

// optionalHostPort is HostPort that also takes nothing or "off".
func optionalHostPort(p *string) option.Value { return optionalAddress{p, option.HostPort(p)} }

type optionalAddress struct {
	p *string
	option.Value
}

func (o optionalAddress) Set(s string) error {
	if s == "" || s == "off" {
		*o.p = ""
		return nil
	}
	return o.Value.Set(s)
}
