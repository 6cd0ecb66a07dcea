package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"coder.internal/scripts/bench/proc"
)

// siteScript drives the dashboard in headless Chromium. It needs node, what "make site"
// installs, and Chromium at /usr/bin/chromium or where CHROMIUM says.
const siteScript = "site/bench/site.mjs"

// siteGoals are the budgets of the dashboard, by figure.
var siteGoals = map[string]goal{
	"site login first load, gzip":                atMost(250),
	"site workspaces first load, gzip":           atMost(450),
	"site login until it can be used":            atMost(1),
	"site workspaces until it can be used":       atMost(1),
	"site 1,000 rows scrolled, longest frame":    atMost(50),
	"site terminal, 20 MB of cat, longest frame": atMost(200),
	"site terminal, key to echo, p50":            atMost(30),
	"site terminal, key to echo, p95":            atMost(30),
}

// siteLine is a line of the script.
type siteLine struct {
	Figure, Unit string
	Values       series
	Reference    *struct {
		What   string
		Values series
	}
}

// dashboard measures the pages of the site: what a first visit loads, how soon it can be used,
// and the longest frames of a long list and of a terminal.
func (b *bench) dashboard(ctx context.Context) error {
	d, _, err := b.sides(ctx)
	if err != nil {
		return err
	}
	dir, err := b.sub("site")
	if err != nil {
		return err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return errors.New("no node on PATH: install it")
	}
	out, err := proc.Run(ctx, proc.Spec{Path: node, Args: []string{siteScript, d.client.URL, "admin/" + workspaceName, strconv.Itoa(b.n)},
		Env: []string{"PATH=" + envPath(), "HOME=" + dir, "CODER_SESSION_TOKEN=" + d.client.Token(), "CHROMIUM=" + os.Getenv("CHROMIUM")}})
	if err != nil {
		return err
	}
	for text := range strings.Lines(out.Stdout) {
		var l siteLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return fmt.Errorf("%s printed %.100q: %w", siteScript, text, err)
		}
		var reference *side
		if l.Reference != nil {
			ref := l.Reference.Values.side(l.Reference.What)
			reference = &ref
		}
		var goals []goal
		if g, ok := siteGoals[l.Figure]; ok {
			goals = append(goals, g)
		}
		if err := b.emit(newFigure(l.Figure, l.Unit, l.Values, reference, goals...)); err != nil {
			return err
		}
	}
	return nil
}
