package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

const (
	mostReplicas = 9
	startWithin  = 90 * time.Second
	stopWithin   = 45 * time.Second
)

// Options say what to start. Binary and Dir are required.
type Options struct {
	Binary   string // the full binary; Postgres is always the one in it
	Dir      string // holds everything; must exist, and everybody must be able to enter it
	Replicas int    // 1 to 9
	Port     int    // of the balancer on 127.0.0.1; 0 takes a free one
	// Links puts a Link between the balancer and each replica.
	Links bool
	// Env is added to the environment of each replica.
	Env []string
}

// Cluster is one deployment.
type Cluster struct {
	opts     Options
	Postgres *Postgres
	Replicas []*Replica
	Balancer *Balancer
	started  []func() error // what ends it, in order of starting
}

// New chooses addresses and makes keys. It starts nothing.
func New(o Options) (*Cluster, error) {
	if o.Replicas < 1 || o.Replicas > mostReplicas {
		return nil, fmt.Errorf("%d replicas: give 1 to %d", o.Replicas, mostReplicas)
	}
	if o.Port == 0 {
		port, err := proc.FreePort()
		if err != nil {
			return nil, err
		}
		o.Port = port
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	c := &Cluster{opts: o, Postgres: &Postgres{binary: o.Binary, dir: filepath.Join(o.Dir, "postgres")}}
	c.Balancer = &Balancer{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)), dir: filepath.Join(o.Dir, "haproxy")}
	for i := range o.Replicas {
		r, err := c.replica(i, base64.StdEncoding.EncodeToString(key))
		if err != nil {
			return nil, err
		}
		c.Replicas = append(c.Replicas, r)
	}
	return c, nil
}

// replica describes the i-th one.
func (c *Cluster) replica(i int, key string) (*Replica, error) {
	addr, err := freeAddress(fmt.Sprintf("127.0.0.%d", i+1))
	if err != nil {
		return nil, err
	}
	name := "replica" + strconv.Itoa(i+1)
	dir := filepath.Join(c.opts.Dir, name)
	r := &Replica{Name: name, Addr: addr, binary: c.opts.Binary, dir: dir}
	r.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "LANG=C.UTF-8",
		"CODER_CONFIG_DIR=" + filepath.Join(dir, "config"), "CODER_CACHE_DIRECTORY=" + filepath.Join(dir, "cache"),
		"CODER_HTTP_ADDRESS=" + addr, "CODER_ACCESS_URL=" + c.URL(), "CODER_DERP_SERVER_RELAY_URL=http://" + addr,
		"CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS=" + key,
		"CODER_PROXY_TRUSTED_HEADERS=X-Forwarded-For", "CODER_PROXY_TRUSTED_ORIGINS=127.0.0.0/8"}, c.opts.Env...)
	if c.opts.Links {
		r.Link = NewLink(addr)
	}
	return r, nil
}

// freeAddress returns a TCP address of that host on which nobody listens now.
func freeAddress(host string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// URL is the address of the deployment, which is the balancer's.
func (c *Cluster) URL() string { return "http://" + c.Balancer.Addr }

// Start starts Postgres, the replicas and the balancer, and waits until each
// serves. What a failure leaves running is for Stop.
func (c *Cluster) Start(ctx context.Context) error {
	if err := c.start(ctx, c.Postgres.start, c.Postgres.stop); err != nil {
		return err
	}
	var servers []Server
	for _, r := range c.Replicas {
		r.env = append(r.env, "CODER_PG_CONNECTION_URL="+c.Postgres.URL())
		s := Server{r.Name, r.Addr}
		if r.Link != nil {
			if err := c.start(ctx, r.Link.open, r.Link.close); err != nil {
				return err
			}
			s.Addr = r.Link.Addr()
		}
		if err := c.start(ctx, r.Start, r.Stop); err != nil {
			return err
		}
		servers = append(servers, s)
	}
	c.Balancer.servers = servers
	return c.start(ctx, c.Balancer.start, c.Balancer.Stop)
}

func (c *Cluster) start(ctx context.Context, start func(context.Context) error, stop func() error) error {
	c.started = append(c.started, stop) // a start that failed may have left something
	return start(ctx)
}

// Stop ends everything, the last started first, and whatever of it detached
// itself, such as agents.
func (c *Cluster) Stop() error {
	var all error
	for i := len(c.started) - 1; i >= 0; i-- {
		all = errors.Join(all, c.started[i]())
	}
	c.started = nil
	return errors.Join(all, Sweep(c.opts.Dir))
}

// Sweep ends the processes whose environment or arguments name dir.
func Sweep(dir string) error {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		left, err := proc.Marked(dir)
		if err != nil || len(left) == 0 {
			return err
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, sig) // it may just have ended
		}
		// Not the caller's context: after Ctrl-C there is still this to do.
		err = proc.Until(context.Background(), "processes to end", 20*time.Millisecond, 5*time.Second, func() (bool, error) {
			left, err := proc.Marked(dir)
			return len(left) == 0, err
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("processes of %s do not end", dir)
}
