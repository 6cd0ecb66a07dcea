// Package cli is the frame of the command line: the surroundings of a command
// (Env), the root command with its global flags, the binding of flags to
// environment variables, how errors and tables look, and exit codes.
//
// It owns the configuration directory with its files url, session and
// organization. It never contains a command: each noun has a package below this
// one that exports Makers, and main hands them to Main. Nothing here talks to
// the network but the client that Env.Client returns.
//
// Order of precedence for every option: flag, environment variable, file of the
// configuration directory (where there is one), default.
package cli

import (
	"context"
	"io"
	"net/url"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"coder.internal/api/client"
	"coder.internal/internal/clock"
)

// Env is all that a command may touch of the process it runs in.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	Clock  clock.Clock
	// Home is the user's home directory; ConfigDir the configuration directory
	// where neither --global-config nor CODER_CONFIG_DIR names one.
	Home      string
	ConfigDir string
	// Executable is the absolute path of the running binary.
	Executable string
	// NewClient makes the client of a deployment; nil means client.New.
	NewClient func(*url.URL, ...client.Option) *client.Client

	// Global holds the global flags once they are parsed.
	Global Global
}

// Global are the flags that every command takes.
type Global struct {
	URL              string
	Token            string
	NoVersionWarning bool
	NoFeatureWarning bool
	Header           []string
	HeaderCommand    string
	ForceTTY         bool
	Verbose          bool
	DisableDirect    bool
	DisableTelemetry bool
	TLSCAFile        string
	TLSCertFile      string
	TLSKeyFile       string
	UseKeyring       bool
	ConfigDir        string
	NoOpen           bool
	DebugHTTP        bool
	AgentToken       string
	AgentTokenFile   string
	AgentURL         string
	AgentAuth        string
	AgentName        string
}

// Maker builds one command. It must be cheap: all of them run at each start.
type Maker func(*Env) *cobra.Command

// OS returns the Env of the running process.
func OS() *Env {
	home, _ := os.UserHomeDir()
	dir, err := os.UserConfigDir()
	if err != nil {
		dir = home
	}
	exe, _ := os.Executable()
	return &Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Clock: clock.Real(), Home: home, ConfigDir: dir + string(os.PathSeparator) + "coderv2", Executable: exe}
}

// TerminalIn returns the file descriptor of standard input if it is a terminal.
func (e *Env) TerminalIn() (int, bool) { return terminal(e.Stdin) }

// TerminalOut returns the file descriptor of standard output if it is a terminal.
func (e *Env) TerminalOut() (int, bool) { return terminal(e.Stdout) }

// Interactive reports whether questions can be asked.
func (e *Env) Interactive() bool {
	_, ok := e.TerminalIn()
	return ok || e.Global.ForceTTY
}

// Live reports whether w is a terminal whose last line may be rewritten.
func (e *Env) Live(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && e.Getenv("TERM") != "dumb"
}

func terminal(v any) (int, bool) {
	f, ok := v.(*os.File)
	if !ok {
		return -1, false
	}
	fd := int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// Run is the body of a command.
type Run func(ctx context.Context, args []string) error

// RunE adapts r to cobra.
func RunE(r Run) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error { return r(cmd.Context(), args) }
}
