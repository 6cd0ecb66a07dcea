// Package configssh is `coder config-ssh`: it keeps a block between two markers
// in the user's ssh configuration. It owns that block and nothing else: every
// other byte of the file stays as it is.
package configssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

type options struct {
	file, binary, prefix, suffix, wait                           string
	sshOptions                                                   []string
	dryRun, usePrevious, disableAutostart, noWildcard, unix, yes bool
}

// maxFile bounds the ssh configuration, in bytes.
const maxFile = 4 << 20

// Command is `coder config-ssh`.
func Command(env *cli.Env) *cobra.Command {
	o := options{wait: "auto"}
	cmd := &cobra.Command{Use: "config-ssh", Short: "Let ssh, scp, rsync and editors reach workspaces", Args: cli.Exactly(),
		Example: "  coder config-ssh --yes\n  ssh my-workspace.coder"}
	fs := cmd.Flags()
	str := func(to *string, name, envName, def, usage string) {
		fs.StringVar(to, name, def, usage)
		cli.Bind(fs, name, envName)
	}
	boolean := func(to *bool, name, envName, usage string) {
		fs.BoolVar(to, name, false, usage)
		cli.Bind(fs, name, envName)
	}
	str(&o.file, "ssh-config-file", "CODER_SSH_CONFIG_FILE", "~/.ssh/config", "file to keep")
	str(&o.binary, "coder-binary-path", "CODER_SSH_CONFIG_BINARY_PATH", "", "binary that ssh shall run (default: this one)")
	cli.List(fs, &o.sshOptions, "ssh-option", "o", "further ssh options, such as ForwardAgent=yes")
	cli.Bind(fs, "ssh-option", "CODER_SSH_CONFIG_OPTS")
	fs.BoolVarP(&o.dryRun, "dry-run", "n", false, "show what would change")
	cli.Bind(fs, "dry-run", "CODER_SSH_DRY_RUN")
	boolean(&o.usePrevious, "use-previous-options", "CODER_SSH_USE_PREVIOUS_OPTIONS", "use the options of the last run")
	str(&o.prefix, "ssh-host-prefix", "CODER_CONFIGSSH_SSH_HOST_PREFIX", "", "front of host names (default: the deployment's)")
	str(&o.suffix, "hostname-suffix", "CODER_CONFIGSSH_HOSTNAME_SUFFIX", "", "end of host names (default: the deployment's)")
	cli.Enum(fs, &o.wait, "wait", "", "wait for start scripts; auto does what the template says", "yes", "no", "auto")
	cli.Bind(fs, "wait", "CODER_CONFIGSSH_WAIT")
	boolean(&o.disableAutostart, "disable-autostart", "CODER_CONFIGSSH_DISABLE_AUTOSTART", "do not start stopped workspaces")
	boolean(&o.noWildcard, "no-wildcard", "CODER_CONFIGSSH_NO_WILDCARD", "accepted; the block is the same for all workspaces")
	boolean(&o.unix, "force-unix-filepaths", "CODER_CONFIGSSH_UNIX_FILEPATHS", "write paths with / on Windows")
	_ = fs.MarkHidden("no-wildcard")
	cli.Yes(fs, &o.yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error { return o.run(ctx, env, fs.Changed) })
	return cmd
}

func (o *options) run(ctx context.Context, env *cli.Env, changed func(string) bool) error {
	file := o.file
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		file = filepath.Join(env.Home, rest)
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // a linked configuration stays a link
	}
	old, mode, err := read(file)
	if err != nil {
		return err
	}
	before, block, after, err := Split(old)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if o.usePrevious {
		o.previous(block, changed)
	}
	c, err := env.Client(ctx)
	if err != nil {
		return err
	}
	deployment, err := c.SSHConfig(ctx)
	if err != nil {
		return err
	}
	stanza, err := o.stanza(env, deployment)
	if err != nil {
		return err
	}
	next := Join(before, stanza, after)
	if bytes.Equal(next, old) {
		_, err := fmt.Fprintf(env.Stdout, "%s is up to date.\n", file)
		return err
	}
	if o.dryRun {
		_, err := fmt.Fprintf(env.Stdout, "%s would change:\n%s", file, diff(block, stanza))
		return err
	}
	if !o.yes {
		fmt.Fprintf(env.Stderr, "%s will change:\n%s", file, diff(block, stanza))
	}
	if err := env.Confirm(ctx, o.yes, "Write it?"); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make directory of ssh configuration: %w", err)
	}
	if err := cli.WriteFile(file, next, mode); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "Wrote %s. Connect with: ssh <workspace>.%s\n", file, o.suffixOf(deployment))
	return err
}

func read(name string) ([]byte, fs.FileMode, error) {
	st, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0o600, nil
	}
	if err == nil && st.Size() > maxFile {
		err = fmt.Errorf("%s is larger than 4 MiB", name)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read ssh configuration: %w", err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, 0, fmt.Errorf("read ssh configuration: %w", err)
	}
	return b, st.Mode().Perm(), nil
}

func (o *options) prefixOf(d api.SSHConfig) string {
	if o.prefix != "" {
		return o.prefix
	}
	if d.HostnamePrefix != "" {
		return d.HostnamePrefix
	}
	return "coder."
}

func (o *options) suffixOf(d api.SSHConfig) string {
	if o.suffix != "" {
		return strings.TrimPrefix(o.suffix, ".")
	}
	if d.HostnameSuffix != "" {
		return strings.TrimPrefix(d.HostnameSuffix, ".")
	}
	return "coder"
}

// optionsMark begins the line that remembers the options of a run.
const optionsMark = "# :"

// stanza is the block without its markers.
func (o *options) stanza(env *cli.Env, d api.SSHConfig) ([]byte, error) {
	prefix, suffix := o.prefixOf(d), o.suffixOf(d)
	for flag, v := range map[string]string{"ssh-host-prefix": prefix, "hostname-suffix": suffix} {
		if !plainHost(v) {
			return nil, cli.Usage(flag, fmt.Sprintf("%q may hold letters, digits, hyphens, dots and underscores only.", cli.Inert(v)))
		}
	}
	command, err := o.command(env)
	if err != nil {
		return nil, err
	}
	settings, err := o.settings(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# This block is written by `coder config-ssh`, which replaces it as a whole.\n# Options of the last run:\n")
	for _, l := range o.remembered() {
		b.WriteString(optionsMark + l + "\n")
	}
	for _, host := range []struct{ pattern, flags string }{
		{prefix + "*", "--ssh-host-prefix " + prefix},
		{"*." + suffix, "--hostname-suffix " + suffix},
	} {
		b.WriteString("\nHost " + host.pattern + "\n")
		for _, s := range settings {
			b.WriteString("\t" + s + "\n")
		}
		b.WriteString("\tProxyCommand " + command + " " + host.flags + " %h\n")
	}
	return b.Bytes(), nil
}

// settings returns our ssh options with those of the deployment and the user on
// top, one line each. The host key is not checked because the tunnel underneath
// has checked the agent's key already.
func (o *options) settings(d api.SSHConfig) ([]string, error) {
	order := []string{"ConnectTimeout", "StrictHostKeyChecking", "UserKnownHostsFile", "LogLevel"}
	values := map[string]string{"ConnectTimeout": "0", "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR"}
	set := func(source, name, value string) error {
		if strings.ContainsAny(name+value, "\r\n\x00") || name == "" || value == "" || strings.ContainsAny(name, " \t=\"") {
			return cli.Usage(source, fmt.Sprintf("%q is not an ssh option of the form Name=value.", cli.Inert(name+"="+value)))
		}
		switch strings.ToLower(name) {
		case "host", "match", "include", "proxycommand", "localcommand", "permitlocalcommand", "knownhostscommand":
			return cli.Usage(source, name+" cannot be set here; put it into your own part of the file.")
		}
		for _, known := range order {
			if strings.EqualFold(known, name) {
				values[known] = value
				return nil
			}
		}
		order = append(order, name)
		values[name] = value
		return nil
	}
	names := make([]string, 0, len(d.SSHConfigOptions))
	for name := range d.SSHConfigOptions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := set("the deployment's ssh-config-options", name, d.SSHConfigOptions[name]); err != nil {
			return nil, err
		}
	}
	for _, opt := range o.sshOptions {
		name, value, ok := strings.Cut(opt, "=")
		if !ok {
			name, value, _ = strings.Cut(opt, " ")
		}
		if err := set("ssh-option", strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return nil, err
		}
	}
	out := make([]string, len(order))
	for i, name := range order {
		out[i] = name + " " + values[name]
	}
	return out, nil
}

// command is the ProxyCommand up to the host.
func (o *options) command(env *cli.Env) (string, error) {
	binary := o.binary
	if binary == "" {
		binary = env.Executable
	}
	bin, err := o.quote(binary)
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(env.Global.ConfigDir)
	if err != nil {
		return "", fmt.Errorf("find configuration directory: %w", err)
	}
	if dir, err = o.quote(dir); err != nil {
		return "", err
	}
	words := []string{bin, "--global-config", dir}
	if file := env.Global.TLSCAFile; file != "" {
		abs, err := filepath.Abs(file)
		if err != nil {
			return "", fmt.Errorf("find CA file: %w", err)
		}
		quoted, err := o.quote(abs)
		if err != nil {
			return "", err
		}
		words = append(words, "--client-tls-ca-file", quoted)
	}
	words = append(words, "ssh", "--stdio")
	if o.wait != "auto" {
		words = append(words, "--wait="+o.wait)
	}
	if o.disableAutostart {
		words = append(words, "--disable-autostart=true")
	}
	return strings.Join(words, " "), nil
}

// quote writes a path for ProxyCommand: ssh expands % and a shell reads the rest.
func (o *options) quote(p string) (string, error) {
	if strings.ContainsAny(p, "\r\n\x00\"") {
		return "", cli.Usage("coder-binary-path", fmt.Sprintf("The path %q has a quote or a line end and cannot be written into an ssh configuration.", cli.Inert(p)))
	}
	if runtime.GOOS == "windows" {
		if o.unix {
			p = filepath.ToSlash(p)
		}
		return `"` + strings.ReplaceAll(p, "%", "%%") + `"`, nil
	}
	p = strings.ReplaceAll(p, "%", "%%")
	if !strings.ContainsFunc(p, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-+%", r)
	}) {
		return p, nil
	}
	return "'" + strings.ReplaceAll(p, "'", `'\''`) + "'", nil
}

func plainHost(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	})
}
