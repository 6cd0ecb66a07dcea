// Command docsgen writes the reference pages that come from tables in the code:
// server options and commands. It stands under cmd because Go lets only cmd
// import cmd/internal.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/commands"
	"coder.internal/cmd/internal/cli/server"
	"coder.internal/cmd/internal/serve"
	"coder.internal/internal/clock"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "docsgen: run it at the top of the repository:", err)
		os.Exit(1)
	}
}

func write() error {
	var c serve.Config
	options := `# Server options

Generated from the option table; do not edit. A value comes from the flag, else the environment, else the file named by ` +
		"`--config`" + ` (` + "`CODER_CONFIG_PATH`" + `), else the default. An unknown key or a bad value stops the server with one line that names it.
` + serve.Options(&c, "~/.cache/coder").Markdown()
	if err := os.MkdirAll("docs/reference", 0o755); err != nil {
		return err
	}
	if err := os.WriteFile("docs/reference/server-options.md", []byte(options), 0o644); err != nil { //nolint:gosec // a public page
		return err
	}
	return os.WriteFile("docs/reference/cli.md", []byte(commandPage()), 0o644) //nolint:gosec // a public page
}

// commandPage describes every visible command of the full binary.
func commandPage() string {
	env := &cli.Env{Getenv: func(string) string { return "" }, Clock: clock.Real(), ConfigDir: "~/.config/coderv2"}
	makers := append(commands.Client(commands.Hooks{Full: true, Starters: server.Starters, StartProvisioner: server.StartProvisioner,
		TestTemplate: server.TestTemplate(env)}), server.Command())
	root := cli.Root(env, makers...)
	var b strings.Builder
	b.WriteString("# Commands\n\nGenerated from the commands themselves; do not edit. A flag wins over its environment variable, and that over the configuration directory.\n\n## Global flags\n\n")
	flags(&b, root.PersistentFlags())
	for _, c := range root.Commands() {
		command(&b, c)
	}
	return b.String()
}

func command(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || !c.IsAvailableCommand() {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", c.CommandPath(), strings.TrimRight(c.Short, "."))
	if c.Runnable() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso: %s\n", strings.Join(c.Aliases, ", "))
	}
	if c.Name() == "server" {
		b.WriteString("\nOptions: see [server options](server-options.md).\n")
	} else if c.LocalNonPersistentFlags().HasAvailableFlags() {
		b.WriteByte('\n')
		flags(b, c.LocalNonPersistentFlags())
	}
	for _, sub := range c.Commands() {
		command(b, sub)
	}
}

// flags writes a table of the visible flags.
func flags(b *strings.Builder, fs *pflag.FlagSet) {
	b.WriteString("| flag | type | default | meaning |\n|---|---|---|---|\n")
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		def := "–"
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, strings.ReplaceAll(f.Value.Type(), "|", `\|`),
			strings.ReplaceAll(def, "|", `\|`), strings.ReplaceAll(f.Usage, "|", `\|`))
	})
}
