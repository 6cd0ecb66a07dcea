package support

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/doctor"
	"coder.internal/cmd/internal/cli/target"
	"coder.internal/derp/netcheck"
	"coder.internal/internal/buildinfo"
)

const (
	// maxPart bounds one file of the bundle, in bytes; of longer logs the end is
	// kept, where faults show.
	maxPart = 8 << 20
	// partTimeout bounds one question to the server.
	partTimeout = 20 * time.Second
)

// collector writes the files of one bundle.
type collector struct {
	env      *cli.Env
	zip      *zip.Writer
	redact   redactor
	files    int
	problems []string // what is missing, and why
}

func newCollector(env *cli.Env, w io.Writer) *collector {
	c := &collector{env: env, zip: zip.NewWriter(w)}
	if t, err := env.Token(); err == nil {
		c.redact.learn(t.Reveal())
	}
	c.redact.learn(env.Global.AgentToken)
	for _, h := range env.Global.Header {
		_, v, _ := strings.Cut(h, "=")
		c.redact.learn(v)
	}
	for _, kv := range os.Environ() {
		if name, v, _ := strings.Cut(kv, "="); secretName.MatchString(name) && !strings.ContainsAny(v, "/\\") {
			c.redact.learn(v)
		}
	}
	return c
}

// collect writes all parts. What cannot be had is noted and left out; an error
// means that the file cannot be written.
func (c *collector) collect(ctx context.Context, ref *cli.Workspace) error {
	if err := c.here(); err != nil {
		return err
	}
	if err := c.doctor(ctx); err != nil {
		return err
	}
	cl, err := c.env.Deployment(ctx)
	if err != nil {
		c.missing("deployment", err)
		return c.ending()
	}
	for _, part := range []struct {
		file     string
		query    url.Values
		segments []string
	}{
		{"deployment/buildinfo.json", nil, []string{"buildinfo"}},
		{"deployment/config.json", nil, []string{"deployment", "config"}},
		{"deployment/health.json", url.Values{"force": {"true"}}, []string{"debug", "health"}},
		{"deployment/ssh.json", nil, []string{"deployment", "ssh"}},
		{"network/connection_info.json", nil, []string{"workspaceagents", "connection"}},
	} {
		if err := c.raw(ctx, cl, part.file, part.query, part.segments...); err != nil {
			return err
		}
	}
	if ref != nil {
		if err := c.workspace(ctx, cl, *ref); err != nil {
			return err
		}
	}
	return c.ending()
}

// here says what this computer is. Variables are named without their values.
func (c *collector) here() error {
	var names []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if up := strings.ToUpper(name); strings.HasPrefix(up, "CODER") || strings.HasSuffix(up, "_PROXY") || strings.HasPrefix(up, "SSL_CERT") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return c.json("client.json", map[string]any{"time": c.env.Clock.Now().UTC(), "version": buildinfo.Version(),
		"os": runtime.GOOS, "arch": runtime.GOARCH, "variables_set": names,
		"disable_direct_connections": c.env.Global.DisableDirect})
}

func (c *collector) doctor(ctx context.Context) error {
	r, err := doctor.Examine(ctx, c.env, "", netcheck.DefaultTimeout)
	if err != nil {
		c.missing("network/doctor.json", err)
		return ctx.Err()
	}
	return c.json("network/doctor.json", r)
}

// workspace adds the state of a workspace, its last build and its agents.
func (c *collector) workspace(ctx context.Context, cl *client.Client, ref cli.Workspace) error {
	ws, err := target.Find(ctx, cl, ref)
	if err != nil {
		c.missing("workspace", err)
		return ctx.Err()
	}
	if err := c.json("workspace/workspace.json", ws); err != nil {
		return err
	}
	lines, err := cl.BuildLogs(ctx, ws.LatestBuild.ID, 0)
	if err != nil {
		c.missing("workspace/build_logs.txt", err)
	} else {
		var b strings.Builder
		for _, l := range lines {
			fmt.Fprintf(&b, "%s %s %s: %s\n", l.CreatedAt.UTC().Format(time.RFC3339), l.Level, l.Stage, l.Output)
		}
		if err := c.text("workspace/build_logs.txt", b.String()); err != nil {
			return err
		}
	}
	if err := c.raw(ctx, cl, "workspace/timings.json", nil, "workspacebuilds", ws.LatestBuild.ID.String(), "timings"); err != nil {
		return err
	}
	for _, res := range ws.LatestBuild.Resources {
		for _, a := range res.Agents {
			if ref.Agent != "" && ref.Agent != a.Name {
				continue
			}
			if err := c.agent(ctx, cl, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *collector) agent(ctx context.Context, cl *client.Client, a api.WorkspaceAgent) error {
	dir := "agent/" + fileName(a.Name) + "/"
	if err := c.json(dir+"agent.json", a); err != nil {
		return err
	}
	lines, err := cl.AgentLogs(ctx, a.ID, 0)
	if err != nil {
		c.missing(dir+"logs.txt", err)
		return ctx.Err()
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s: %s\n", l.CreatedAt.UTC().Format(time.RFC3339), l.Level, l.Output)
	}
	return c.text(dir+"logs.txt", b.String())
}

// fileName keeps a name of the server from leaving the archive's directory.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, s)
}

// raw adds what the server answers.
func (c *collector) raw(ctx context.Context, cl *client.Client, file string, q url.Values, segments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	b, err := cl.Raw(ctx, q, segments...)
	if err != nil {
		c.missing(file, err)
		return nil
	}
	return c.put(file, c.redact.json(b))
}

func (c *collector) json(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	return c.put(file, c.redact.json(b))
}

func (c *collector) text(file, s string) error { return c.put(file, []byte(c.redact.text(s))) }

func (c *collector) put(file string, b []byte) error {
	if len(b) > maxPart {
		b = append([]byte("[the beginning is left out]\n"), b[len(b)-maxPart:]...)
	}
	w, err := c.zip.CreateHeader(&zip.FileHeader{Name: file, Method: zip.Deflate, Modified: c.env.Clock.Now()})
	if err == nil {
		_, err = w.Write(b)
	}
	if err != nil {
		return fmt.Errorf("add %s: %w", file, err)
	}
	c.files++
	return nil
}

func (c *collector) missing(what string, err error) {
	text := err.Error()
	var ae *api.Error
	if errors.As(err, &ae) {
		text = ae.Message
	}
	c.problems = append(c.problems, c.redact.text(what+": "+text))
}

// ending adds what is missing.
func (c *collector) ending() error {
	if len(c.problems) == 0 {
		return nil
	}
	return c.text("missing.txt", strings.Join(c.problems, "\n")+"\n")
}
