package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/proc"
)

// spareTemplate makes n agents that no machine runs; their tokens go to file. An
// agent's name is that of its block, so each has one.
func spareTemplate(n int, file string) string {
	var text, tokens strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "resource \"coder_agent\" \"spare%d\" {\n  os   = \"linux\"\n  arch = \"amd64\"\n}\n", i)
		fmt.Fprintf(&tokens, "coder_agent.spare%d.token, ", i)
	}
	fmt.Fprintf(&text, `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command     = "umask 077; printf '%%s\\n' \"$TOKENS\" >>\"$FILE\""
    environment = {
      TOKENS = join("\n", [%s])
      FILE   = %q
    }
  }
}
`, tokens.String(), file)
	return text.String()
}

// spareAgents makes workspaces with so many agents each, and returns the file with
// the tokens of all, one a line.
func (b *bench) spareAgents(ctx context.Context, c *deploy.Client, workspaces, each int) (string, error) {
	name := b.unique("spare")
	dir, err := b.sub(name)
	if err != nil {
		return "", err
	}
	file, module := filepath.Join(dir, "tokens"), filepath.Join(dir, "module")
	if err := writeFiles(module, map[string]string{"main.tf": spareTemplate(each, file)}); err != nil {
		return "", err
	}
	if _, err := c.Run(ctx, "templates", "push", name, "-d", module, "-y"); err != nil {
		return "", err
	}
	for range workspaces {
		if _, err := c.Run(ctx, "create", b.unique(name+"w"), "--template", name, "--no-wait", "-y"); err != nil {
			return "", err
		}
	}
	return file, b.awaitTokens(ctx, file, workspaces*each)
}

// spareTokens returns the tokens of n agents of one new workspace.
func (b *bench) spareTokens(ctx context.Context, c *deploy.Client, n int) ([]string, error) {
	file, err := b.spareAgents(ctx, c, 1, n)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	return strings.Fields(string(text)), err
}

// awaitTokens waits until the builds have written all of them. A token is accepted
// from then on: what the agents ask before the end of the build is held open.
func (b *bench) awaitTokens(ctx context.Context, file string, n int) error {
	return proc.Until(ctx, fmt.Sprintf("%d tokens", n), 20*time.Millisecond, 2*time.Minute, func() (bool, error) {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			return false, nil
		}
		return len(strings.Fields(string(text))) == n, err
	})
}
