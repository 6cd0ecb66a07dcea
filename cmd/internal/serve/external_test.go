//go:build linux

package serve_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/serve/servetest"
)

// noDaemons leaves all work to external daemons that know the key.
func noDaemons() servetest.Options {
	return servetest.Options{Args: []string{"--provisioner-daemons", "0"}, Env: []string{"CODER_PROVISIONER_DAEMON_PSK=between-us"}}
}

// external is a daemon of its own process.
type external struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// startExternal starts a daemon named name with a cache directory of its own below
// the deployment's, and waits until it is connected.
func startExternal(t *testing.T, s *servetest.Server, name, url string, env []string, args ...string) *external {
	t.Helper()
	dir := filepath.Join(s.Dir, "external-"+name)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	log := filepath.Join(dir, "log")
	_ = os.Remove(log) // of an earlier start
	x := &external{t: t, log: log, done: make(chan struct{})}
	x.cmd = exec.Command(servetest.Binary(), append([]string{"provisioner", "start", "--url", url, "--name", name,
		"--cache-dir", dir, "--log-human", log, "--shutdown-grace", "0s"}, args...)...)
	x.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8",
		"CODER_CONFIG_DIR=" + filepath.Join(dir, "config")}, env...)
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, x.cmd.Start())
	go func() {
		defer close(x.done)
		_ = x.cmd.Wait() // its code is in ProcessState
	}()
	t.Cleanup(x.stop)
	servetest.Eventually(t, "the daemon "+name+" is connected", func() bool {
		return strings.Contains(x.text(), "daemon is connected") || x.ended()
	})
	require.False(t, x.ended(), x.text())
	return x
}

func (x *external) text() string {
	b, _ := os.ReadFile(x.log) // not there at first
	return string(b)
}

func (x *external) ended() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}

func (x *external) stop() {
	if !x.ended() {
		_ = x.cmd.Process.Signal(syscall.SIGTERM)
	}
	<-x.done
	if x.t.Failed() {
		x.t.Logf("daemon: %s", x.text())
	}
}

func psk() []string { return []string{"CODER_PROVISIONER_DAEMON_PSK=between-us"} }

// attempts is how often the last job was handed out.
func attempts(t *testing.T, s *servetest.Server) (n int) {
	t.Helper()
	db := connect(t, s)
	require.NoError(t, db.QueryRow(t.Context(), "select attempt from provisioner_jobs order by created_at desc limit 1").Scan(&n))
	return n
}

// Two daemons on one host, each with its tags and its credential: every job goes
// where its tags say.
func TestExternalDaemonsByTags(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, noDaemons())
	c := s.Admin(t)
	key := strings.TrimSpace(c.OK("provisioner", "keys", "create", "cloud-b", "--tag", "cloud=b"))
	require.Contains(t, c.Fails("provisioner", "keys", "create", "cloud-b"), "already")
	require.Contains(t, c.Fails("provisioner", "keys", "create", "psk"), "reserved")

	dir := c.WriteTemplate("thing", `resource "terraform_data" "a" {}`)
	waiting := c.Command("templates", "push", "early", "-d", dir, "-y", "--provisioner-tag", "cloud=a")
	out := filepath.Join(c.Home, "early.out")
	f, err := os.Create(out)
	require.NoError(t, err)
	waiting.Stdout, waiting.Stderr = f, f
	require.NoError(t, waiting.Start())
	servetest.Eventually(t, "the reason of the wait is told", func() bool {
		b, _ := os.ReadFile(out)
		return strings.Contains(string(b), "No provisioner with tags cloud=a is online.")
	})
	list := c.OK("provisioner", "jobs", "list")
	require.Contains(t, list, "1/1, no provisioner")

	startExternal(t, s, "one", s.URL.String(), psk(), "--tag", "cloud=a")
	two := startExternal(t, s, "two", s.URL.String(), []string{"CODER_PROVISIONER_DAEMON_KEY=" + key})
	require.NoError(t, waiting.Wait())
	for name, cloud := range map[string]string{"in-a": "a", "in-b": "b"} {
		c.OK("templates", "push", name, "-d", dir, "-y", "--provisioner-tag", "cloud="+cloud)
		c.OK("create", "box-"+name, "--template", name, "-y")
	}
	for name, daemon := range map[string]string{"in-a": "one", "in-b": "two"} {
		require.Equal(t, daemon, workspace(t, c, "box-"+name).LatestBuild.Job.WorkerName)
	}
	daemons := c.OK("provisioner", "list")
	for _, want := range []string{"one", "two", "psk", "cloud-b", "cloud=a", "idle"} {
		require.Contains(t, daemons, want)
	}

	// Without its key a daemon is out; it does not come back.
	c.OK("provisioner", "keys", "delete", "cloud-b", "-y")
	servetest.Eventually(t, "the daemon has lost its connection", func() bool {
		return strings.Contains(s.Log(), "daemon disconnected") && strings.Contains(two.text(), "no connection")
	})
	refused := c.Command("provisioner", "start", "--url", s.URL.String(), "--name", "three", "--cache-dir", filepath.Join(s.Dir, "three"), "--key", key)
	text, err := refused.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(text), "not valid")
}

// A dry run of a template is canceled from the list of jobs.
func TestCancelDryRunFromTheList(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, noDaemons())
	c := s.Admin(t)
	x := startExternal(t, s, "one", s.URL.String(), psk())
	c.OK("templates", "push", "thing", "-d", c.WriteTemplate("thing", `resource "terraform_data" "a" {}`), "-y")
	x.stop() // so that the job waits
	var version string
	require.NoError(t, connect(t, s).QueryRow(t.Context(), "select id::text from template_versions").Scan(&version))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL.String()+"/api/v2/templateversions/"+version+"/dry-run", strings.NewReader("{}"))
	require.NoError(t, err)
	req.Header = c.Client().Header()
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusCreated, res.StatusCode)
	id := strings.TrimSpace(c.OK("provisioner", "jobs", "list", "--status", "pending", "--column", "id"))
	id = strings.TrimSpace(strings.TrimPrefix(id, "ID"))
	require.Contains(t, c.OK("provisioner", "jobs", "cancel", id), "The job was asked to stop.")
	require.Contains(t, c.OK("provisioner", "jobs", "list", "--status", "canceled"), id)
	require.Contains(t, c.Fails("provisioner", "jobs", "cancel", id), "ended already")
}

// The server is killed and started again while terraform works in a daemon: the
// same attempt goes on to its end.
func TestServerReplacedDuringApply(t *testing.T) {
	t.Parallel()
	s := servetest.New(t, noDaemons())
	s.Start()
	startExternal(t, s, "one", s.URL.String(), psk())
	w := slow{s: s, c: s.Admin(t), gate: filepath.Join(s.Dir, "gate")}
	require.NoError(t, os.Mkdir(w.gate, 0o700))
	w.push()
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	s.Kill()
	s.Start()
	w.open(t)
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	require.Equal(t, 1, attempts(t, s))
	w.usable(t)
}

// Of two servers on one database the one that a daemon is connected to dies: the
// daemon finishes its job through the other.
func TestOtherReplicaFinishesJob(t *testing.T) {
	t.Parallel()
	opts := noDaemons()
	opts.Env = append(opts.Env, "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	first := servetest.Start(t, opts)
	opts.PostgresURL = first.DSN
	second := servetest.Start(t, opts)
	front := balance(t, first.URL.Host, second.URL.Host)
	startExternal(t, first, "one", "http://"+front, psk())
	w := slow{s: first, c: second.Admin(t), gate: filepath.Join(first.Dir, "gate")}
	require.NoError(t, os.Mkdir(w.gate, 0o700))
	w.push()
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	first.Kill()
	w.open(t)
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	require.Equal(t, 1, attempts(t, second))
	w.usable(t)
}

// A daemon that is killed hands its job back as soon as it is there again, with
// what was made so far.
func TestKilledDaemonHandsBack(t *testing.T) {
	t.Parallel()
	s := servetest.New(t, noDaemons())
	s.Start()
	x := startExternal(t, s, "one", s.URL.String(), psk())
	w := slow{s: s, c: s.Admin(t), gate: filepath.Join(s.Dir, "gate")}
	require.NoError(t, os.Mkdir(w.gate, 0o700))
	w.push()
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	require.NoError(t, x.cmd.Process.Kill())
	<-x.done
	w.open(t)
	start := time.Now()
	startExternal(t, s, "one", s.URL.String(), psk())
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	require.Equal(t, 2, attempts(t, s))
	require.Less(t, time.Since(start), jobrpc.LeaseDuration, "nobody waited for the lease")
	w.usable(t)
}

// balance forwards connections to the first of hosts that takes them, and returns
// its own address.
func balance(t *testing.T, hosts ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { forward(ctx, in, hosts) })
		}
	})
	t.Cleanup(func() {
		stop()
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func forward(ctx context.Context, in net.Conn, hosts []string) {
	defer in.Close() //nolint:errcheck // it is over
	for _, h := range hosts {
		out, err := (&net.Dialer{}).DialContext(ctx, "tcp", h)
		if err != nil {
			continue
		}
		defer context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })()
		var both sync.WaitGroup
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			both.Go(func() {
				_, _ = io.Copy(way[0], way[1]) // the end of either ends both
				_, _ = way[0].Close(), way[1].Close()
			})
		}
		both.Wait()
		return
	}
}
