package ssh

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
)

// networkInfo is what editors show of the connection. Latencies are in
// milliseconds.
type networkInfo struct {
	P2P               bool               `json:"p2p"`
	Latency           float64            `json:"latency"`
	PreferredDERP     string             `json:"preferred_derp"`
	DERPLatency       map[string]float64 `json:"derp_latency"`
	UploadBytesSec    int64              `json:"upload_bytes_sec"`
	DownloadBytesSec  int64              `json:"download_bytes_sec"`
	UsingCoderConnect bool               `json:"using_coder_connect"`
}

// infoTimeout bounds one look at the path.
const infoTimeout = 5 * time.Second

// minInfoInterval keeps an interval of nothing from becoming a busy loop.
const minInfoInterval = 100 * time.Millisecond

// reporter writes networkInfo into <dir>/<pid of the ssh client>.json, which is
// how an editor that started ssh finds it.
type reporter struct {
	env      *cli.Env
	conn     *tunnel.Connection
	file     string
	interval time.Duration
}

func newReporter(env *cli.Env, conn *tunnel.Connection, dir string, interval time.Duration) (*reporter, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of network information: %w", err)
	}
	return &reporter{env, conn, filepath.Join(dir, strconv.Itoa(os.Getppid())+".json"), max(interval, minInfoInterval)}, nil
}

// run writes now and at each interval until ctx ends; then the file goes. That it
// cannot be written ends no session.
func (r *reporter) run(ctx context.Context) {
	defer os.Remove(r.file) //nolint:errcheck // nobody is left to tell
	tick := r.env.Clock.NewTicker(r.interval, "ssh", "netinfo")
	defer tick.Stop()
	var lastUp, lastDown int64
	last := r.env.Clock.Now()
	for {
		info := r.look(ctx)
		if p, ok := r.conn.Path(); ok {
			now := r.env.Clock.Now()
			if d := now.Sub(last).Seconds(); d > 0 && lastUp+lastDown > 0 {
				info.UploadBytesSec = int64(float64(p.SentBytes-lastUp) / d)
				info.DownloadBytesSec = int64(float64(p.ReceivedBytes-lastDown) / d)
			}
			lastUp, lastDown, last = p.SentBytes, p.ReceivedBytes, now
		}
		if b, err := json.Marshal(info); err == nil && ctx.Err() == nil {
			_ = cli.WriteFile(r.file, b, 0o600)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *reporter) look(ctx context.Context) networkInfo {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	info := networkInfo{DERPLatency: map[string]float64{}}
	p, err := r.conn.Ping(ctx)
	if err != nil {
		return info
	}
	info.P2P, info.Latency = p.Direct, float64(p.Latency)/float64(time.Millisecond)
	info.PreferredDERP = r.conn.HomeRelay()
	if !p.Direct {
		info.PreferredDERP = p.RelayRegionName
		info.DERPLatency[p.RelayRegionName] = info.Latency
	}
	return info
}
