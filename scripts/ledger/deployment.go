package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/scripts/bench/proc"
)

const (
	email      = "admin@localhost.example"
	username   = "admin"
	templateID = "ledger"
	grace      = 30 * time.Second
)

// deployment is a server with its built-in Postgres and daemons outside it, each
// of which can be killed and comes back.
type deployment struct {
	binary, dir string
	addr        string
	psk         string
	external    int
	c           *client.Client
	org         string
	version     api.ID
	template    api.ID

	mu      sync.Mutex // guards what runs
	server  *proc.Process
	daemons []*proc.Process
	starts  int
}

func newDeployment(binary, dir string, external int) *deployment {
	return &deployment{binary: binary, dir: dir, external: external, psk: rand.Text(), daemons: make([]*proc.Process, external)}
}

// start starts everything for the first time and signs in.
func (d *deployment) start(ctx context.Context) error {
	port, err := proc.FreePort()
	if err != nil {
		return err
	}
	d.addr = "127.0.0.1:" + strconv.Itoa(port)
	if err := d.startServer(ctx); err != nil {
		return err
	}
	u := &url.URL{Scheme: "http", Host: d.addr}
	password := rand.Text()
	first, err := client.New(u).CreateFirstUser(ctx, api.CreateFirstUserRequest{Email: email, Username: username, Password: api.Secret(password)})
	if err != nil {
		return err
	}
	d.org = first.OrganizationID.String()
	login, err := client.New(u).LoginWithPassword(ctx, api.LoginRequest{Email: email, Password: api.Secret(password)})
	if err != nil {
		return err
	}
	d.c = client.New(u, client.WithToken(login.SessionToken))
	for i := range d.external {
		if err := d.startDaemon(i); err != nil {
			return err
		}
	}
	return nil
}

// spawn starts one process of the deployment; each start has a log of its own.
func (d *deployment) spawn(name string, env []string, args ...string) (*proc.Process, error) {
	d.starts++
	home := filepath.Join(d.dir, name)
	if err := os.MkdirAll(home, 0o711); err != nil { //nolint:gosec // Postgres runs as another user below it
		return nil, err
	}
	env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "CODER_CACHE_DIRECTORY=" + filepath.Join(home, "cache"),
		"CODER_CONFIG_DIR=" + filepath.Join(home, "config"), "CODER_PROVISIONER_DAEMON_PSK=" + d.psk}, env...)
	log := filepath.Join(d.dir, fmt.Sprintf("%s.%03d.log", name, d.starts))
	return proc.Start(name, log, proc.Spec{Path: d.binary, Args: args, Dir: home, Env: env})
}

func (d *deployment) startServer(ctx context.Context) error {
	d.mu.Lock()
	env := []string{"CODER_DANGEROUS_DISABLE_RATE_LIMITS=true", "CODER_HTTP_ADDRESS=" + d.addr, "CODER_ACCESS_URL=http://" + d.addr}
	if d.external == 0 {
		env = append(env, "CODER_PROVISIONER_DAEMON_PSK=")
	}
	p, err := d.spawn("server", env, "server")
	d.server = p
	d.mu.Unlock()
	if err != nil {
		return err
	}
	hc := &http.Client{Timeout: 5 * time.Second}
	defer hc.CloseIdleConnections()
	return proc.Until(ctx, "the server", 5*time.Millisecond, time.Minute, func() (bool, error) {
		select {
		case <-p.Done():
			return false, p.Ended()
		default:
		}
		res, err := hc.Get("http://" + d.addr + "/healthz")
		if err != nil {
			return false, ctx.Err()
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	})
}

func (d *deployment) startDaemon(i int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := "daemon" + strconv.Itoa(i)
	p, err := d.spawn(name, []string{"CODER_URL=http://" + d.addr}, "provisioner", "start", "--name", name)
	d.daemons[i] = p
	return err
}

// running returns the processes of the deployment.
func (d *deployment) running() (server *proc.Process, daemons []*proc.Process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.server, append([]*proc.Process(nil), d.daemons...)
}

// stop ends what runs, as a service manager would.
func (d *deployment) stop() {
	server, daemons := d.running()
	var err error
	for _, p := range append(daemons, server) {
		if p != nil {
			err = errors.Join(err, p.Stop(syscall.SIGTERM, grace))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledger: stop:", err)
	}
}

// push makes the template.
func (d *deployment) push(ctx context.Context, b *book) error {
	text, err := template.ReadFile("template/main.tf")
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = w.WriteHeader(&tar.Header{Name: "main.tf", Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	file, err := d.c.Upload(ctx, api.ContentTypeTar, archive.Bytes())
	if err != nil {
		return err
	}
	v, err := d.c.CreateTemplateVersion(ctx, d.org, api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform",
		FileID: file.ID, UserVariableValues: []api.VariableValue{{Name: "ledger", Value: b.path}}})
	if err != nil {
		return err
	}
	err = proc.Until(ctx, "the import", 20*time.Millisecond, time.Minute, func() (bool, error) {
		v, err = d.c.TemplateVersion(ctx, v.ID)
		return v.Job.Status.Done(), err
	})
	if err != nil {
		return err
	}
	if v.Job.Status != api.JobSucceeded {
		return fmt.Errorf("import: %s", v.Job.Error)
	}
	t, err := d.c.CreateTemplate(ctx, d.org, api.CreateTemplateRequest{Name: templateID, VersionID: v.ID})
	d.template, d.version = t.ID, v.ID
	return err
}
