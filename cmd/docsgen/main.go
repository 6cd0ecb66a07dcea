// Command docsgen writes the reference pages that come from tables in the code.
// It stands under cmd because Go lets only cmd import cmd/internal.
package main

import (
	"fmt"
	"os"

	"coder.internal/cmd/internal/serve"
)

func main() {
	var c serve.Config
	page := `# Server options

Generated from the option table; do not edit. A value comes from the flag, else the environment, else the file named by ` +
		"`--config`" + ` (` + "`CODER_CONFIG_PATH`" + `), else the default. An unknown key or a bad value stops the server with one line that names it.
` + serve.Options(&c, "~/.cache/coder").Markdown()
	if err := os.MkdirAll("docs/reference", 0o755); err == nil {
		err = os.WriteFile("docs/reference/server-options.md", []byte(page), 0o644) //nolint:gosec // a public page
		if err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "docsgen: cannot write docs/reference/server-options.md; run it at the top of the repository")
	os.Exit(1)
}
