// Package ping holds `coder ping` and `coder speedtest`: how far an agent is,
// over which path, and how much fits through.
package ping

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
	"coder.internal/derp/tailnet"
)

type options struct {
	wait, timeout time.Duration
	num           int
	stamp, utc    bool
}

// Command is `coder ping`.
func Command(env *cli.Env) *cobra.Command {
	o := options{}
	cmd := &cobra.Command{Use: "ping <workspace>", Short: "Ask a workspace for an answer and name the path", Args: cli.Exactly("workspace")}
	fs := cmd.Flags()
	fs.DurationVar(&o.wait, "wait", time.Second, "pause between two pings")
	fs.DurationVarP(&o.timeout, "timeout", "t", 5*time.Second, "how long an answer may take")
	fs.IntVarP(&o.num, "num", "n", 0, "how many pings; 0 goes on until the path is direct, or ten answers came")
	fs.IntVarP(&o.num, "count", "c", 0, "same as --num")
	_ = fs.MarkHidden("count")
	fs.BoolVar(&o.stamp, "time", false, "print the time of each answer")
	fs.BoolVar(&o.utc, "utc", false, "print that time in UTC")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if o.num < 0 || o.wait < 0 || o.timeout <= 0 {
			return cli.Usage("num", "--num and --wait may not be negative, and --timeout must be more than 0.")
		}
		return o.run(ctx, env, args[0])
	})
	return cmd
}

func (o *options) run(ctx context.Context, env *cli.Env, arg string) error {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return err
	}
	conn, err := tunnel.Connect(ctx, env, tunnel.Options{Ref: ref, Wait: "no", Progress: env.Stderr})
	if err != nil {
		return err
	}
	defer conn.Close()
	var answers []time.Duration
	var last tailnet.PingResult
	sent := 0
	for {
		sent++
		pctx, cancel := context.WithTimeout(ctx, o.timeout)
		r, err := conn.Ping(pctx)
		cancel()
		if ctx.Err() != nil {
			break
		}
		var ae *api.Error
		if errors.As(err, &ae) {
			return ae
		}
		if err != nil {
			fmt.Fprintf(env.Stdout, "%sno answer: %s\n", o.time(env), cli.Inert(err.Error()))
		} else {
			answers, last = append(answers, r.Latency), r
			fmt.Fprintf(env.Stdout, "%sanswer from %s %s in %s\n", o.time(env), cli.Inert(conn.Workspace.Name+"."+conn.Agent.Name), Path(r), round(r.Latency))
		}
		if o.done(sent, r, err) || !pause(ctx, env, o.wait) {
			break
		}
	}
	if len(answers) > 0 && !last.Direct && ctx.Err() == nil {
		reason, cure := conn.WhyRelayed(ctx, env)
		fmt.Fprintf(env.Stdout, "Not direct: %s.\n  %s\n", cli.Inert(reason), cli.Inert(cure))
	}
	return summary(env, sent, answers)
}

// unlimited is where pings without -n end that stay relayed.
const unlimited = 10

func (o *options) done(sent int, r tailnet.PingResult, err error) bool {
	if o.num > 0 {
		return sent >= o.num
	}
	return err == nil && r.Direct || sent >= unlimited
}

func (o *options) time(env *cli.Env) string {
	if !o.stamp && !o.utc {
		return ""
	}
	now := env.Clock.Now()
	if o.utc {
		now = now.UTC()
	}
	return now.Format(time.RFC3339) + " "
}

// Path says which way an answer came.
func Path(r tailnet.PingResult) string {
	if r.Direct {
		return "direct, at " + cli.Inert(r.Endpoint) + ","
	}
	name := r.RelayRegionName
	if name == "" {
		name = r.RelayRegionCode
	}
	if name == "" {
		name = fmt.Sprintf("region %d", r.RelayRegionID)
	}
	return "through relay " + cli.Inert(name)
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Microsecond)
}

func pause(ctx context.Context, env *cli.Env, d time.Duration) bool {
	t := env.Clock.NewTimer(d, "ping", "pause")
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func summary(env *cli.Env, sent int, answers []time.Duration) error {
	if len(answers) == 0 {
		return &cli.ExitError{Code: 1, Err: &api.Error{Code: api.CodeUnavailable,
			Message: fmt.Sprintf("No answer to %d pings. The agent may be gone; see: coder show <workspace>", sent)}}
	}
	var sum time.Duration
	for _, a := range answers {
		sum += a
	}
	_, err := fmt.Fprintf(env.Stdout, "%d sent, %d answered; least %s, average %s, most %s\n", sent, len(answers),
		round(slices.Min(answers)), round(sum/time.Duration(len(answers))), round(slices.Max(answers)))
	return err
}
