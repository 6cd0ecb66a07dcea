package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
	"coder.internal/internal/lifecycle"
	"coder.internal/internal/runas"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

// interruptTimeout is how long an interrupted terraform may take to write its
// state while the server stops.
const interruptTimeout = 15 * time.Second

// waitBuiltIn is how long a built-in daemon waits at the queue before it asks again.
const waitBuiltIn = 10 * time.Second

// findTerraform looks for the binary of the in-process daemons in the background,
// since asking it for its version takes as long as the rest of the start. The
// returned function waits for the answer.
func (s *Server) findTerraform(ctx context.Context) (wait func() error) {
	if s.cfg.Provisioner.Daemons == 0 {
		return func() error { return nil }
	}
	found := make(chan error, 1)
	go func() {
		var err error
		s.terraform, err = terraform.Find(ctx, terraform.FindOptions{Path: s.cfg.Provisioner.TerraformPath,
			CacheDir: s.cfg.CacheDir, Download: true})
		found <- err
	}()
	return func() error { return <-found }
}

// daemons builds the in-process provisioner daemons.
func (s *Server) daemons() ([]lifecycle.Part, error) {
	if s.cfg.Provisioner.Daemons == 0 {
		return nil, nil
	}
	binary := s.terraform
	s.log.Info("terraform found", "component", "provisionerd", "path", binary.Path, "version", binary.Version, "source", binary.Source)
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find host name: %w", err)
	}
	users, err := s.jobUsers()
	if err != nil {
		return nil, err
	}
	var parts []lifecycle.Part
	for i := range s.cfg.Provisioner.Daemons {
		d, err := s.daemon(binary, self, host, i, users[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, lifecycle.Part{Name: "provisioner daemon " + strconv.Itoa(i), Run: d.Run})
	}
	return parts, nil
}

func (s *Server) daemon(binary terraform.Binary, self, host string, i int, user *runas.User) (*provisionerd.Daemon, error) {
	name := fmt.Sprintf("%s-%d", host, i)
	work := filepath.Join(s.cfg.CacheDir, "provisionerd", strconv.Itoa(i))
	log := s.log.With("daemon", name)
	data, err := s.cfg.dataDir(user)
	if err != nil {
		return nil, err
	}
	opts := s.cfg.Provisioner.options(binary, self, filepath.Join(work, "terraform"), s.cfg.CacheDir, log)
	opts.DataDir, opts.User = data, user
	tf, err := terraform.New(opts)
	if err != nil {
		return nil, err
	}
	return provisionerd.New(provisionerd.Options{Source: s.queue, Provisioner: tf, Log: s.log, Clock: clock.Real(),
		DaemonID: api.NewID(), Name: name, OrganizationID: s.defaultOrg, WorkDir: work,
		// The queue is in this process, and looks each second itself for all that wait.
		PollInterval: max(s.cfg.Provisioner.PollInterval, waitBuiltIn), PollJitter: s.cfg.Provisioner.PollJitter, Grace: s.cfg.ShutdownGrace, InterruptTimeout: interruptTimeout,
		CancelTimeout: s.cfg.Provisioner.ForceCancel})
}
