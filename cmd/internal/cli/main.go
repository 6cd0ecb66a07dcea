package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/internal/buildinfo"
)

// Main runs the command line in args (without the program's name) and returns
// the exit code. It starts nothing that outlives it and ends soon after ctx.
func Main(ctx context.Context, env *Env, args []string, makers ...Maker) int {
	root := Root(env, makers...)
	if len(args) == 1 && asksPass.MatchString(args[0]) {
		args = []string{"gitaskpass", args[0]}
	}
	root.SetArgs(args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	return report(ctx, env, err)
}

// asksPass is the one argument with which Git starts what GIT_ASKPASS names; the
// agent has Git start this program.
var asksPass = regexp.MustCompile(`^(Username|Password) for '`)

// Root returns the root command; Main is its only caller besides the reference
// generator.
func Root(env *Env, makers ...Maker) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:           "coder [command]",
		Short:         "Development environments on your own machines and clouds",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		Example: "  coder login https://coder.example.com   sign in\n" +
			"  coder templates push                    upload the template in this directory\n" +
			"  coder create                            make a workspace\n" +
			"  coder ssh my-workspace                  open a shell in it",
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return applyEnv(cmd, env.Getenv) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if version {
				return PrintVersion(env)
			}
			return unknown(cmd, args)
		},
	}
	root.SuggestionsMinimumDistance = 2
	globalFlags(root, env)
	root.Flags().BoolVar(&version, "version", false, "print the version")
	_ = root.Flags().MarkHidden("version")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{msg: err.Error(), see: cmd.CommandPath() + " --help"}
	})
	for _, m := range makers {
		root.AddCommand(m(env))
	}
	return root
}

// PrintVersion prints what init scripts look for: a line that starts with Coder.
func PrintVersion(env *Env) error {
	_, err := fmt.Fprintf(env.Stdout, "Coder %s\n", buildinfo.Version())
	return err
}

// Group makes cmd a command that only has subcommands.
func Group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = unknown
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(subs...)
	return cmd
}

// unknown shows help, or says that there is no such command and what is near.
func unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	msg := fmt.Sprintf("unknown command %q for %q", Inert(args[0]), cmd.CommandPath())
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		msg += "; did you mean " + strings.Join(s, " or ") + "?"
	}
	return &usageError{msg: msg, see: cmd.CommandPath() + " --help"}
}

// Exactly is cobra.ExactArgs with a sentence that names what is missing.
func Exactly(names ...string) cobra.PositionalArgs { return between(len(names), names) }

// Optional takes up to len(names) arguments.
func Optional(names ...string) cobra.PositionalArgs { return between(0, names) }

// AtLeast takes the named arguments and any number after them.
func AtLeast(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return missing(cmd, names[len(args)])
		}
		return nil
	}
}

func between(least int, names []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return missing(cmd, names[len(args)])
		}
		if len(args) > len(names) {
			return &usageError{msg: fmt.Sprintf("unexpected argument %q", Inert(args[len(names)])),
				see: cmd.CommandPath() + " --help"}
		}
		return nil
	}
}

func missing(cmd *cobra.Command, name string) error {
	return &usageError{msg: "missing argument <" + name + ">", see: cmd.CommandPath() + " --help"}
}

func globalFlags(root *cobra.Command, env *Env) {
	g, fs := &env.Global, root.PersistentFlags()
	str := func(to *string, name, envName, def, usage string) {
		fs.StringVar(to, name, def, usage)
		Bind(fs, name, envName)
	}
	boolean := func(to *bool, name, short, envName string, def bool, usage string) {
		fs.BoolVarP(to, name, short, def, usage)
		Bind(fs, name, envName)
	}
	str(&g.URL, "url", "CODER_URL", "", "address of the deployment")
	str(&g.Token, "token", "CODER_SESSION_TOKEN", "", "session token instead of the one that login stored")
	boolean(&g.NoVersionWarning, "no-version-warning", "", "CODER_NO_VERSION_WARNING", false, "do not warn when client and server differ")
	boolean(&g.NoFeatureWarning, "no-feature-warning", "", "CODER_NO_FEATURE_WARNING", false, "do not warn about missing features")
	List(fs, &g.Header, "header", "", "extra header as name=value, for every request")
	Bind(fs, "header", "CODER_HEADER")
	str(&g.HeaderCommand, "header-command", "CODER_HEADER_COMMAND", "", "command that prints extra headers, name=value, one a line")
	boolean(&g.ForceTTY, "force-tty", "", "CODER_FORCE_TTY", false, "ask questions also when standard input is not a terminal")
	boolean(&g.Verbose, "verbose", "v", "CODER_VERBOSE", false, "show more")
	boolean(&g.DisableDirect, "disable-direct-connections", "", "CODER_DISABLE_DIRECT_CONNECTIONS", false, "reach workspaces through the relay only")
	boolean(&g.DisableTelemetry, "disable-network-telemetry", "", "CODER_DISABLE_NETWORK_TELEMETRY", false, "accepted; no telemetry exists")
	str(&g.TLSCAFile, "client-tls-ca-file", "CODER_CLIENT_TLS_CA_FILE", "", "PEM file of a CA to trust besides the system's")
	str(&g.TLSCertFile, "client-tls-cert-file", "CODER_CLIENT_TLS_CERT_FILE", "", "PEM file of the client certificate")
	str(&g.TLSKeyFile, "client-tls-key-file", "CODER_CLIENT_TLS_KEY_FILE", "", "PEM file of the client certificate's key")
	boolean(&g.UseKeyring, "use-keyring", "", "CODER_USE_KEYRING", true, "accepted; the session is kept in a file that only you can read")
	str(&g.ConfigDir, "global-config", "CODER_CONFIG_DIR", env.ConfigDir, "configuration directory")

	str(&g.AgentToken, "agent-token", "CODER_AGENT_TOKEN", "", "token of the agent")
	str(&g.AgentTokenFile, "agent-token-file", "CODER_AGENT_TOKEN_FILE", "", "file that holds the token of the agent")
	str(&g.AgentURL, "agent-url", "CODER_AGENT_URL", "", "address that the agent dials")
	str(&g.AgentAuth, "auth", "CODER_AGENT_AUTH", "token", "how the agent proves itself")
	str(&g.AgentName, "agent-name", "CODER_AGENT_NAME", "", "which of several agents this is")
	boolean(&g.NoOpen, "no-open", "", "CODER_NO_OPEN", false, "do not open a browser")
	fs.BoolVar(&g.DebugHTTP, "debug-http", false, "print each request")
	for _, hidden := range []string{"agent-token", "agent-token-file", "agent-url", "auth", "agent-name", "no-open", "debug-http"} {
		_ = fs.MarkHidden(hidden)
	}
}

// usageError is a command line that cannot be understood.
type usageError struct{ msg, see string }

func (e *usageError) Error() string { return e.msg }

// Usage returns an error about the command line itself; field is the flag or
// argument, detail what is wrong and what to do.
func Usage(field, detail string) error { return api.Invalid(field, detail) }
