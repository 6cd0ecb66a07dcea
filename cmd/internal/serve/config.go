package serve

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
)

// Config is everything that a server can be told. Options fills it from flags,
// environment and file; tests fill it by hand.
type Config struct {
	// AccessURL is where people and agents reach the deployment; nil means the
	// loopback address that the server listens on.
	AccessURL           *url.URL
	RedirectToAccessURL bool
	HTTPAddress         string // empty: no plain HTTP
	TLS                 TLSConfig

	DERP        DERPConfig
	BlockDirect bool

	Prometheus        ListenerConfig
	CollectAgentStats bool // metrics of the use of each agent
	Pprof             ListenerConfig

	Provisioner ProvisionerConfig

	PostgresURL     api.Secret
	PostgresUser    string // system user of the built-in Postgres when the server is root
	PostgresMaxOpen int

	CacheDir  string
	ConfigDir string

	Session SessionConfig

	// APIRateLimit is how many requests a minute each user may send to a route; 0
	// and less is no limit. DisableRateLimits takes the limit of sign-ins away too.
	APIRateLimit      int
	DisableRateLimits bool
	QuietHours        QuietHoursConfig

	// Apps says where and to whom applications of workspaces are served.
	Apps AppsConfig

	SSH      SSHConfig
	Identity IdentityConfig

	// ExternalAuth are the services that users can sign in to.
	ExternalAuth []externalauth.Config
	// ExternalAuthGitHubDefault is read and has no effect.
	ExternalAuthGitHubDefault bool

	AllowWorkspaceRenames bool
	// Rights narrows what people may do.
	Rights            rbac.Deployment
	CLIUpgradeMessage string
	TerminalRenderer  string // how terminals in the browser are drawn
	EncryptionKeys    []api.Secret
	STSMaxAge         int
	STSOptions        []string
	AdditionalCSP     []string // directives for the policy of the pages
	ShutdownGrace     time.Duration

	Log LogConfig

	Retention RetentionConfig

	// Telemetry and UpdateCheck are read so that existing files keep working;
	// this product never calls home.
	Telemetry, UpdateCheck bool

	// Swagger serves the page of the API by the names of the reference too.
	Swagger bool
	// Origins say by flag where each value came from; see option.Set.Origins.
	Origins map[string]string
}

// TLSConfig is the HTTPS listener.
type TLSConfig struct {
	Enable       bool
	Address      string
	CertFiles    []string
	KeyFiles     []string
	MinVersion   string
	ClientAuth   string
	ClientCAFile string
	RedirectHTTP bool
}

// DERPConfig is the embedded relay, and the others.
type DERPConfig struct {
	Enable          bool
	RegionID        int
	RegionCode      string
	RegionName      string
	STUNAddresses   []string
	STUNListen      string   // UDP address of our own STUN; empty is none
	RelayURL        *url.URL // where the other replicas reach it; nil is nowhere
	ForceWebSockets bool
	MapURL          string // relays beside the embedded one, or instead of it
	MapPath         string
}

// ListenerConfig is an optional extra listener.
type ListenerConfig struct {
	Enable  bool
	Address string
}

// ProvisionerConfig is the in-process daemons, and what lets others in.
type ProvisionerConfig struct {
	// PSK lets external daemons in that know it; empty means that none does.
	PSK          api.Secret
	Daemons      int
	PollInterval time.Duration
	PollJitter   time.Duration
	JobConfig
	User    string // whom builds run as; a list is one user for each daemon
	DataDir string // see dataDir
}

// SessionConfig is logins and tokens.
type SessionConfig struct {
	Duration              time.Duration
	DisableRefresh        bool
	DisablePassword       bool
	SecureCookie          bool
	SameSite              string
	HostPrefixCookie      bool
	DefaultTokenLifetime  time.Duration
	MaxTokenLifetime      time.Duration
	MaxAdminTokenLifetime time.Duration
}

// QuietHoursConfig is when maintenance may stop workspaces.
type QuietHoursConfig struct {
	Default     string // of users who set none; empty is midnight UTC, and everybody chooses
	AllowCustom bool   // users may set their own
}

// AppsConfig is applications in browsers.
type AppsConfig struct {
	Wildcard         string   // as *.apps.example.com; empty is none
	PathURL          *url.URL // origin of the path form; nil is none
	PathAddress      string   // one more address to listen at; empty is none
	DisablePath      bool
	AllowPathSharing bool
	AllowPathOwners  bool
	TrustedHeaders   []string
	TrustedOrigins   []string
}

// SSHConfig is what clients write into their SSH configuration.
type SSHConfig struct {
	HostnamePrefix string
	HostnameSuffix string
	Options        []string
}

// LogConfig is where logs go and how much. Human and JSON are file paths;
// /dev/stderr and /dev/stdout name the streams, empty is off.
type LogConfig struct {
	Human string
	JSON  string
	// Stackdriver is JSON with the field names of Google's logging.
	Stackdriver string
	Filter      []string
	Verbose     bool
}

// Validate checks what single options cannot: how they fit together.
func (c *Config) Validate() error {
	if c.HTTPAddress == "" && !c.TLS.Enable {
		return errors.New("option --http-address: at least one of --http-address and --tls-enable is needed")
	}
	if c.TLS.Enable {
		if len(c.TLS.CertFiles) == 0 || len(c.TLS.CertFiles) != len(c.TLS.KeyFiles) {
			return fmt.Errorf("option --tls-cert-file: --tls-enable needs as many certificate files as key files, at least one of each; there are %d and %d",
				len(c.TLS.CertFiles), len(c.TLS.KeyFiles))
		}
		if c.TLS.ClientAuth != "none" && c.TLS.ClientCAFile == "" {
			return fmt.Errorf("option --tls-client-ca-file: --tls-client-auth=%s needs a CA file", c.TLS.ClientAuth)
		}
	}
	if err := c.DERP.validate(); err != nil {
		return err
	}
	if err := c.DERP.validateRelayURL(c.AccessURL); err != nil {
		return err
	}
	if _, err := c.Apps.sites(c.AccessURL); err != nil {
		return err
	}
	if _, err := httpmw.NewTrustedProxies(c.Apps.TrustedHeaders, c.Apps.TrustedOrigins); err != nil {
		return err
	}
	if err := c.validateBrowsers(); err != nil {
		return err
	}
	for _, o := range c.SSH.Options {
		if _, _, ok := splitSSHOption(o); !ok {
			return fmt.Errorf("option --ssh-config-options: %q is not KEY=VALUE", o)
		}
	}
	if c.ConfigDir == "" {
		return errors.New("option --global-config: the configuration directory is not known; set CODER_CONFIG_DIR")
	}
	return nil
}

// splitSSHOption reads KEY=VALUE or "KEY VALUE", refusing what could end a line
// of an SSH configuration file.
func splitSSHOption(s string) (key, value string, ok bool) {
	i := strings.IndexAny(s, "= ")
	if i <= 0 || strings.ContainsAny(s, "\r\n\x00") {
		return "", "", false
	}
	return s[:i], strings.TrimSpace(s[i+1:]), true
}

// tlsConfig loads the certificates. NextProtos leaves HTTP/2 to browsers; a
// relay connection asks for no protocol and gets HTTP/1.1.
func (c *TLSConfig) tlsConfig() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tlsVersions[c.MinVersion], NextProtos: []string{"h2", "http/1.1"}}
	for i := range c.CertFiles {
		cert, err := tls.LoadX509KeyPair(c.CertFiles[i], c.KeyFiles[i])
		if err != nil {
			return nil, fmt.Errorf("option --tls-cert-file: load %s with %s: %w", c.CertFiles[i], c.KeyFiles[i], err)
		}
		out.Certificates = append(out.Certificates, cert)
	}
	out.ClientAuth = clientAuths[c.ClientAuth]
	if c.ClientCAFile != "" {
		pool, err := certPool(c.ClientCAFile)
		if err != nil {
			return nil, fmt.Errorf("option --tls-client-ca-file: %w", err)
		}
		out.ClientCAs = pool
	}
	return out, nil
}

var tlsVersions = map[string]uint16{"tls12": tls.VersionTLS12, "tls13": tls.VersionTLS13}

var clientAuths = map[string]tls.ClientAuthType{
	"none": tls.NoClientCert, "request": tls.RequestClientCert, "require-any": tls.RequireAnyClientCert,
	"verify-if-given": tls.VerifyClientCertIfGiven, "require-and-verify": tls.RequireAndVerifyClientCert,
}

// defaultAccessURL is the loopback form of a listening address.
func defaultAccessURL(scheme string, addr net.Addr) *url.URL {
	host, port, _ := net.SplitHostPort(addr.String()) // always host:port
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}
}

// DefaultCacheDir returns the directory for things that can be made again.
func DefaultCacheDir(getenv func(string) string) string {
	if dir := getenv("CACHE_DIRECTORY"); dir != "" {
		return dir // systemd's CacheDirectory=
	}
	if dir := getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "coder")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".cache", "coder")
	}
	return filepath.Join(os.TempDir(), "coder-cache")
}
