package ping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	gossh "golang.org/x/crypto/ssh"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
)

// interval is one line of the result. The unit of ThroughputMbits is 10⁶ bit/s.
type interval struct {
	StartTimeSeconds float64 `json:"start_time_seconds"`
	EndTimeSeconds   float64 `json:"end_time_seconds"`
	ThroughputMbits  float64 `json:"throughput_mbits"`
	total            bool
}

type speedResult struct {
	Overall   interval   `json:"overall"`
	Intervals []interval `json:"intervals"`
}

type speedOptions struct {
	direct    bool
	direction string
	time      time.Duration
}

// Speedtest is `coder speedtest`. It measures what an SSH session gets: the
// workspace makes or swallows zero bytes in an ordinary command.
func Speedtest(env *cli.Env) *cobra.Command {
	o := speedOptions{direction: "down"}
	out := cli.Output[interval]{
		Columns: []cli.Column[interval]{
			{Name: "Interval", Value: func(i interval) string {
				s := fmt.Sprintf("%.2f-%.2f sec", i.StartTimeSeconds, i.EndTimeSeconds)
				if i.total {
					s = "total " + s
				}
				return s
			}},
			{Name: "Throughput", Value: func(i interval) string { return fmt.Sprintf("%.1f Mbits/sec", i.ThroughputMbits) }},
		},
		Default: []string{"Interval", "Throughput"},
	}
	cmd := &cobra.Command{Use: "speedtest <workspace>", Short: "Measure how much fits through to a workspace", Args: cli.Exactly("workspace")}
	fs := cmd.Flags()
	fs.BoolVarP(&o.direct, "direct", "d", false, "wait for a direct path first")
	cli.Enum(fs, &o.direction, "direction", "", "which way the bytes go", "up", "down")
	fs.DurationVarP(&o.time, "time", "t", 5*time.Second, "how long to measure, up to 10m")
	out.Flags(fs)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if o.time <= 0 || o.time > 10*time.Minute {
			return cli.Usage("time", "Give a duration of up to 10m.")
		}
		r, err := o.run(ctx, env, args[0])
		if err != nil {
			return err
		}
		if out.Format() == "json" {
			return cli.PrintJSON(env.Stdout, r)
		}
		r.Overall.total = true
		return out.Print(env, append(r.Intervals, r.Overall))
	})
	return cmd
}

func (o *speedOptions) run(ctx context.Context, env *cli.Env, arg string) (speedResult, error) {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return speedResult{}, err
	}
	conn, err := tunnel.Connect(ctx, env, tunnel.Options{Ref: ref, Wait: "no", Progress: env.Stderr, Packets: true})
	if err != nil {
		return speedResult{}, err
	}
	defer conn.Close()
	if conn.Agent.OperatingSystem == "windows" {
		return speedResult{}, &api.Error{Code: api.CodeInvalid, Message: "speedtest needs a workspace with cat and /dev/zero; this one runs Windows."}
	}
	if o.direct {
		if err := awaitDirect(ctx, env, conn.Tunnel); err != nil {
			return speedResult{}, err
		}
	}
	client, err := conn.SSH(ctx)
	if err != nil {
		return speedResult{}, err
	}
	defer client.Close()
	if r, err := conn.Ping(ctx); err == nil {
		fmt.Fprintf(env.Stderr, "Measuring %s for %s, %s round trip %s\n", o.direction, o.time, Path(r), round(r.Latency))
	}
	return o.measure(ctx, env, client)
}

// directPatience bounds the wait for a direct path.
const directPatience = 30 * time.Second

func awaitDirect(ctx context.Context, env *cli.Env, t *tunnel.Tunnel) error {
	ctx, cancel := context.WithTimeout(ctx, directPatience)
	defer cancel()
	for {
		if r, err := t.Ping(ctx); err == nil && r.Direct {
			return nil
		}
		if !pause(ctx, env, 200*time.Millisecond) {
			return &api.Error{Code: api.CodeUnavailable, Message: "No direct path within 30 s; measure the relay instead by leaving out --direct."}
		}
	}
}

func (o *speedOptions) measure(ctx context.Context, env *cli.Env, client *gossh.Client) (speedResult, error) {
	ses, err := client.NewSession()
	if err != nil {
		return speedResult{}, fmt.Errorf("open session: %w", err)
	}
	defer ses.Close()
	var moved atomic.Int64
	ended := make(chan error, 1)
	if o.direction == "down" {
		r, err := ses.StdoutPipe()
		if err != nil {
			return speedResult{}, fmt.Errorf("open session: %w", err)
		}
		if err := ses.Start("exec cat /dev/zero"); err != nil {
			return speedResult{}, fmt.Errorf("start in the workspace: %w", err)
		}
		go func() { _, err := io.Copy(&counter{&moved}, r); ended <- err }()
	} else {
		w, err := ses.StdinPipe()
		if err != nil {
			return speedResult{}, fmt.Errorf("open session: %w", err)
		}
		if err := ses.Start("exec cat > /dev/null"); err != nil {
			return speedResult{}, fmt.Errorf("start in the workspace: %w", err)
		}
		go func() { ended <- fill(w, &moved) }()
	}
	r, err := o.sample(ctx, env, &moved, ended)
	// Closing the connection ends the copy; it is waited for.
	_ = client.Close()
	if !errors.Is(err, errStopped) {
		<-ended
	}
	return r, err
}

var errStopped = errors.New("the transfer ended by itself")

func (o *speedOptions) sample(ctx context.Context, env *cli.Env, moved *atomic.Int64, ended <-chan error) (speedResult, error) {
	var r speedResult
	start := env.Clock.Now()
	last, lastAt := int64(0), start
	for env.Clock.Since(start) < o.time {
		t := env.Clock.NewTimer(min(time.Second, o.time-env.Clock.Since(start)), "speedtest", "sample")
		select {
		case <-ctx.Done():
			t.Stop()
			return r, ctx.Err()
		case err := <-ended:
			t.Stop()
			return r, errors.Join(errStopped, err)
		case <-t.C:
		}
		now, n := env.Clock.Now(), moved.Load()
		r.Intervals = append(r.Intervals, rate(start, lastAt, now, n-last))
		last, lastAt = n, now
	}
	r.Overall = rate(start, start, lastAt, last)
	return r, nil
}

func rate(zero, from, to time.Time, bytes int64) interval {
	return interval{StartTimeSeconds: from.Sub(zero).Seconds(), EndTimeSeconds: to.Sub(zero).Seconds(),
		ThroughputMbits: float64(bytes) * 8 / 1e6 / to.Sub(from).Seconds()}
}

type counter struct{ n *atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func fill(w io.Writer, moved *atomic.Int64) error {
	zero := make([]byte, 32<<10)
	for {
		n, err := w.Write(zero)
		moved.Add(int64(n))
		if err != nil {
			return err
		}
	}
}
