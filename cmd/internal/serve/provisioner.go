package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/internal/buildinfo"
	"coder.internal/internal/clock"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

// DaemonConfig is everything that an external provisioner daemon can be told.
type DaemonConfig struct {
	// Client reaches the deployment; its session counts without Key and PSK.
	Client       *client.Client
	Organization string // "" means that of the key, else the default one
	Name         string // "" means the host's name
	Tags         map[string]string
	Key, PSK     api.Secret

	CacheDir     string
	PollInterval time.Duration
	PollJitter   time.Duration
	JobConfig
	// ShutdownGrace is how long a running job may go on once the daemon has to stop.
	ShutdownGrace time.Duration
	// User is whom builds run as; "" is the user of this process.
	User       string
	Prometheus ListenerConfig
}

// Provisioner is one external daemon. Use NewProvisioner, then Run once.
type Provisioner struct {
	cfg     DaemonConfig
	log     *slog.Logger
	source  *client.JobSource
	daemon  *provisionerd.Daemon
	metrics net.Listener // nil when they are off
}

// daemonName keeps a name usable as the name of a directory.
var daemonName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// NewProvisioner finds terraform and builds the daemon. It asks the server for
// nothing but what a key stands for, and takes no job before Run.
func NewProvisioner(ctx context.Context, cfg DaemonConfig, log *slog.Logger) (*Provisioner, error) {
	if err := cfg.complete(ctx); err != nil {
		return nil, err
	}
	binary, err := terraform.Find(ctx, terraform.FindOptions{Path: cfg.TerraformPath, CacheDir: cfg.CacheDir, Download: true})
	if err != nil {
		return nil, err
	}
	log.Info("terraform found", "component", "provisionerd", "path", binary.Path, "version", binary.Version, "source", binary.Source)
	user, err := cfg.jobUser(log)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	// A prefix, because the daemons of a server live in the same directory.
	work := filepath.Join(cfg.CacheDir, "provisionerd", "external-"+cfg.Name)
	id, err := daemonID(work)
	if err != nil {
		return nil, err
	}
	var data string // without a user the daemon's own home, which then stays
	if user != nil {
		if data, err = giveDataDir(defaultUserData, user); err != nil {
			return nil, err
		}
	}
	opts := cfg.options(binary, self, filepath.Join(work, "terraform"), cfg.CacheDir, log)
	opts.DataDir, opts.User = data, user
	tf, err := terraform.New(opts)
	if err != nil {
		return nil, err
	}
	p := &Provisioner{cfg: cfg, log: log.With("component", "provisionerd")}
	p.source = cfg.Client.JobSource(client.Daemon{Organization: cfg.Organization, ID: id, Name: cfg.Name,
		Version: buildinfo.Version(), Tags: cfg.Tags, Key: cfg.Key, PSK: cfg.PSK}, p.log)
	p.daemon, err = provisionerd.New(provisionerd.Options{Source: p.source, Provisioner: tf, Log: log, Clock: clock.Real(),
		DaemonID: id, Name: cfg.Name, Tags: cfg.Tags, WorkDir: work, PollInterval: cfg.PollInterval, PollJitter: cfg.PollJitter,
		Grace: cfg.ShutdownGrace, InterruptTimeout: interruptTimeout, CancelTimeout: cfg.ForceCancel})
	if err != nil || !cfg.Prometheus.Enable {
		return p, err
	}
	p.metrics, err = listen("prometheus-address", cfg.Prometheus.Address)
	return p, err
}

// complete fills in what nobody said.
func (c *DaemonConfig) complete(ctx context.Context) error {
	if c.Client == nil || c.CacheDir == "" {
		return errors.New("serve: DaemonConfig needs Client and CacheDir")
	}
	if c.Key != "" && c.PSK != "" {
		return api.Invalid("psk", "a key and a pre-shared key are given; one is enough")
	}
	if c.Key == "" && c.PSK == "" && c.Client.Token() == "" {
		return api.Invalid("key", "a credential is needed: --key, --psk, or a session of coder login")
	}
	if c.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find host name: %w", err)
		}
		c.Name = host
	}
	if !daemonName.MatchString(c.Name) {
		return api.Invalid("name", "use 1 to 64 letters, digits, dots, hyphens and underscores")
	}
	if c.Key != "" {
		if len(c.Tags) > 0 {
			return api.Invalid("tag", "the tags of a daemon with a key are those of the key; leave --tag out, or make a key with these tags")
		}
		key, err := c.Client.OwnProvisionerKey(ctx, c.Key)
		if err != nil {
			return err
		}
		c.Organization = key.OrganizationID.String()
	}
	if c.Organization == "" {
		c.Organization = "default"
	}
	return nil
}

// daemonID returns the id that the daemon of a directory keeps over restarts, so
// that it may hand back what it was working on.
func daemonID(work string) (api.ID, error) {
	if err := os.MkdirAll(work, 0o700); err != nil {
		return api.ID{}, fmt.Errorf("make work directory: %w", err)
	}
	file := filepath.Join(work, "daemon.id")
	b, err := os.ReadFile(file)
	if err == nil {
		if id, err := api.ParseID(strings.TrimSpace(string(b))); err == nil {
			return id, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return api.ID{}, fmt.Errorf("read daemon id: %w", err)
	}
	id := api.NewID()
	if err := os.WriteFile(file, []byte(id.String()+"\n"), 0o600); err != nil {
		return id, fmt.Errorf("write daemon id: %w", err)
	}
	return id, nil
}

// Run connects and works on jobs until ctx ends and the running job is finished
// or handed back. A server that refuses the daemon ends it with the reason; one
// that is not reached is waited for.
func (p *Provisioner) Run(ctx context.Context) error {
	defer p.source.Close()
	if p.metrics != nil {
		defer p.serveMetrics()()
	}
	for told := false; ; told = true {
		err := p.source.Connect(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		switch api.CodeOf(err) {
		case api.CodeUnauthenticated, api.CodeForbidden, api.CodeInvalid, api.CodeNotFound, api.CodeConflict:
			return err
		}
		if !told {
			p.log.Warn("no connection to the server; trying on", "error", err)
		}
	}
	p.log.Info("daemon is connected and waits for jobs", "name", p.cfg.Name)
	return p.daemon.Run(ctx)
}

// serveMetrics serves the figures of this process until the returned function is
// called.
func (p *Provisioner) serveMetrics() (stop func()) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	srv := httpServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), p.log)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := serveHTTP(ctx, srv, p.metrics, time.Second); err != nil {
			p.log.Error("metrics are not served any more", "error", err)
		}
	}()
	return func() { cancel(); <-done }
}
