package server

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/provisioner"
	"coder.internal/cmd/internal/serve"
)

// StartProvisioner is `coder provisioner start`.
func StartProvisioner(env *cli.Env) *cobra.Command {
	var cfg serve.DaemonConfig
	var logs serve.LogConfig
	var tags []string
	var key, psk string
	var experiments []string
	cmd := &cobra.Command{Use: "start", Short: "Run builds for a deployment on this host", Args: cli.Exactly(),
		Example: "  CODER_PROVISIONER_DAEMON_KEY=… coder provisioner start --url https://coder.example.com\n" +
			"  coder provisioner start --tag scope=user     for your own workspaces, with your session"}
	fs := cmd.Flags()
	str := func(to *string, name, short, variable, def, usage string) {
		fs.StringVarP(to, name, short, def, usage)
		cli.Bind(fs, name, variable)
	}
	str(&cfg.CacheDir, "cache-dir", "c", "CODER_CACHE_DIRECTORY", serve.DefaultCacheDir(env.Getenv), "directory for things that can be made again, and for the running job")
	provisioner.TagFlag(fs, &tags)
	fs.DurationVar(&cfg.PollInterval, "poll-interval", time.Second, "how often to look for work when no hint came")
	cli.Bind(fs, "poll-interval", "CODER_PROVISIONERD_POLL_INTERVAL")
	fs.DurationVar(&cfg.PollJitter, "poll-jitter", 100*time.Millisecond, "random part of that interval")
	cli.Bind(fs, "poll-jitter", "CODER_PROVISIONERD_POLL_JITTER")
	str(&psk, "psk", "", "CODER_PROVISIONER_DAEMON_PSK", "", "pre-shared key of the server; better in the variable, others see flags")
	str(&key, "key", "", "CODER_PROVISIONER_DAEMON_KEY", "", "provisioner key; better in the variable, others see flags")
	str(&cfg.Name, "name", "", "CODER_PROVISIONER_DAEMON_NAME", "", "name of the daemon (default: the host's)")
	fs.BoolVar(&logs.Verbose, "verbose", false, "show all debug lines")
	cli.Bind(fs, "verbose", "CODER_PROVISIONER_DAEMON_VERBOSE")
	str(&logs.Human, "log-human", "", "CODER_PROVISIONER_DAEMON_LOGGING_HUMAN", "/dev/stderr", "file for logs that people read; empty is off")
	str(&logs.JSON, "log-json", "", "CODER_PROVISIONER_DAEMON_LOGGING_JSON", "", "file for logs as JSON lines")
	str(&logs.Stackdriver, "log-stackdriver", "", "CODER_PROVISIONER_DAEMON_LOGGING_STACKDRIVER", "", "file for logs as JSON lines for Google's logging")
	cli.List(fs, &logs.Filter, "log-filter", "", "regular expressions: debug lines that match are shown")
	cli.Bind(fs, "log-filter", "CODER_PROVISIONER_DAEMON_LOG_FILTER")
	fs.BoolVar(&cfg.Prometheus.Enable, "prometheus-enable", false, "serve metrics for Prometheus")
	cli.Bind(fs, "prometheus-enable", "CODER_PROMETHEUS_ENABLE")
	str(&cfg.Prometheus.Address, "prometheus-address", "", "CODER_PROMETHEUS_ADDRESS", "127.0.0.1:2112", "address of the metrics")
	jobFlags(fs, &cfg.JobConfig)
	str(&cfg.User, "user", "", "CODER_PROVISIONER_USER", "", "user that builds run as when this is root on Linux: a name, a uid or uid:gid")
	fs.DurationVar(&cfg.ShutdownGrace, "shutdown-grace", time.Minute, "how long a running job may go on after a signal before it is handed back")
	cli.Bind(fs, "shutdown-grace", "CODER_SHUTDOWN_GRACE")
	cli.List(fs, &experiments, "experiments", "", "accepted; there are none")
	cli.Bind(fs, "experiments", "CODER_EXPERIMENTS")
	cli.Org(fs, &cfg.Organization)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		var err error
		if cfg.Tags, err = provisioner.ParseTags(tags); err != nil {
			return err
		}
		for name, d := range map[string]time.Duration{"poll-interval": cfg.PollInterval, "shutdown-grace": cfg.ShutdownGrace + 1, "poll-jitter": cfg.PollJitter + 1,
			"force-cancel-interval": cfg.ForceCancel, "job-timeout": cfg.JobTimeout + 1} {
			if d <= 0 {
				return cli.Usage(name, "must be a duration of more than nothing, such as 1s.")
			}
		}
		for name, n := range map[string]int{"job-disk": cfg.JobDisk, "job-memory": cfg.JobMemory, "job-processes": cfg.JobMaxProc} {
			if n < 0 {
				return cli.Usage(name, "must not be negative; 0 is no limit.")
			}
		}
		cfg.Key, cfg.PSK = api.Secret(key), api.Secret(psk)
		return startProvisioner(ctx, env, cfg, logs)
	})
	return cmd
}

// startProvisioner works until SIGINT or SIGTERM. A second signal ends it at once.
func startProvisioner(ctx context.Context, env *cli.Env, cfg serve.DaemonConfig, logs serve.LogConfig) error {
	log, closeLog, err := serve.NewLogger(logs, env.Stdout, env.Stderr)
	if err != nil {
		return err
	}
	defer closeLog() //nolint:errcheck // nothing is written any more
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	if cfg.Client, err = env.Deployment(ctx); err != nil {
		return err
	}
	p, err := serve.NewProvisioner(ctx, cfg, log)
	if err == nil {
		err = p.Run(ctx)
	}
	var refused *api.Error
	if (cfg.Key != "" || cfg.PSK != "") && errors.As(err, &refused) && refused.Code == api.CodeUnauthenticated {
		// A new session, which that code makes people think of, would not help.
		return &api.Error{Code: api.CodeForbidden, Message: refused.Message}
	}
	return err
}
