package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/scripts/bench/proc"
	"coder.internal/scripts/ha/cluster"
	"coder.internal/scripts/ha/history"
)

const (
	restWithin = 4 * time.Minute  // builds of a dead daemon are ended after 90 seconds
	restFor    = 10 * time.Second // for requests that a thawed replica still has
)

// storm is one run: clients, and faults.
type storm struct {
	config
	cluster *cluster.Cluster
	record  *history.Recorder
	log     io.Writer
	faults  map[string]int

	url      *url.URL
	session  api.Secret
	template api.ID
}

// module makes no resource outside the state, so that a build takes a second.
const module = `resource "terraform_data" "one" {}`

// run prepares, lets clients and nemesis loose, waits for rest and reads the end.
func (s *storm) run(ctx context.Context) (history.Final, error) {
	if err := s.prepare(ctx); err != nil {
		return history.Final{}, err
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var over atomic.Bool
	var wg sync.WaitGroup
	for i := range s.clients {
		w := &worker{storm: s, n: i + 1, rng: rand.New(rand.NewPCG(s.seed, uint64(i)+1))}
		w.c = s.client()
		wg.Go(func() {
			for !over.Load() && work.Err() == nil {
				w.step(work)
			}
		})
	}
	err := s.nemesis(ctx, rand.New(rand.NewPCG(s.seed, 0)))
	over.Store(true)
	if err != nil {
		cancel()
	}
	wg.Wait()
	if err != nil {
		return history.Final{}, err
	}
	fmt.Fprintln(s.log, "chaos: waiting for rest")
	if err := s.rest(ctx); err != nil {
		return history.Final{}, err
	}
	return s.read(ctx)
}

// client has connections of its own. Nothing it sends is repeated but what cannot
// have had an effect.
func (s *storm) client() *client.Client { return client.New(s.url, client.WithToken(s.session)) }

// prepare makes the first user and the template.
func (s *storm) prepare(ctx context.Context) error {
	person, _, err := s.cluster.SignIn(ctx)
	if err != nil {
		return err
	}
	s.session = api.Secret(person.Token())
	if s.url, err = url.Parse(s.cluster.URL()); err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = w.WriteHeader(&tar.Header{Name: "main.tf", Mode: 0o644, Size: int64(len(module)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = io.WriteString(w, module)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	c := s.client()
	file, err := c.Upload(ctx, api.ContentTypeTar, archive.Bytes())
	if err != nil {
		return err
	}
	v, err := c.CreateTemplateVersion(ctx, "default", api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", FileID: file.ID})
	if err != nil {
		return err
	}
	err = proc.Until(ctx, "the import", 20*time.Millisecond, time.Minute, func() (bool, error) {
		v, err = c.TemplateVersion(ctx, v.ID)
		return v.Job.Status.Done(), err
	})
	if err != nil {
		return err
	}
	if v.Job.Status != api.JobSucceeded {
		return fmt.Errorf("import: %s", v.Job.Error)
	}
	t, err := c.CreateTemplate(ctx, "default", api.CreateTemplateRequest{Name: "chaos", VersionID: v.ID})
	s.template = t.ID
	return err
}

// rest waits until requests and builds have ended.
func (s *storm) rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(restFor):
	}
	c := s.client()
	var last error
	err := proc.Until(ctx, "the end of all builds", time.Second, restWithin, func() (bool, error) {
		all, err := s.workspaces(ctx, c)
		if last = err; err != nil {
			return false, ctx.Err()
		}
		for _, w := range all {
			if !w.LatestBuild.Job.Status.Done() {
				last = fmt.Errorf("build %d of %s is %s", w.LatestBuild.BuildNumber, w.Name, w.LatestBuild.Job.Status)
				return false, nil
			}
		}
		return true, nil
	})
	return errors.Join(err, last)
}

func (s *storm) workspaces(ctx context.Context, c *client.Client) ([]api.Workspace, error) {
	const page = 100
	var all []api.Workspace
	for {
		got, err := c.Workspaces(ctx, client.WorkspacesFilter{Query: "template:chaos", Limit: page, Offset: len(all)})
		if err != nil {
			return nil, err
		}
		all = append(all, got.Workspaces...)
		if len(got.Workspaces) < page {
			return all, nil
		}
	}
}

// read reads what there is in the end.
func (s *storm) read(ctx context.Context) (history.Final, error) {
	var f history.Final
	c := s.client()
	tokens, err := c.Tokens(ctx, "me", client.TokensFilter{Expired: true})
	if err != nil {
		return f, err
	}
	for _, t := range tokens {
		f.Tokens = append(f.Tokens, history.Token{ID: t.ID, Name: t.TokenName})
	}
	all, err := s.workspaces(ctx, c)
	if err != nil {
		return f, err
	}
	for _, w := range all {
		one := history.Workspace{ID: w.ID.String(), Name: w.Name}
		for {
			builds, err := c.Builds(ctx, w.ID, 100, len(one.Builds))
			if err != nil {
				return f, err
			}
			for _, b := range builds {
				one.Builds = append(one.Builds, history.Build{ID: b.ID.String(), Number: int(b.BuildNumber), Transition: string(b.Transition)})
			}
			if len(builds) < 100 {
				break
			}
		}
		f.Workspaces = append(f.Workspaces, one)
	}
	f.Audit, err = s.audit(ctx, c)
	return f, err
}

// audit reads the whole log.
func (s *storm) audit(ctx context.Context, c *client.Client) ([]history.Entry, error) {
	var text bytes.Buffer
	if err := c.ExportAuditLog(ctx, "", &text); err != nil {
		return nil, err
	}
	var all []history.Entry
	dec := json.NewDecoder(&text)
	for {
		var e api.AuditLog
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d of the audit log: %w", len(all)+1, err)
		}
		all = append(all, history.Entry{Action: e.Action, Type: e.ResourceType, ID: e.ResourceID.String(), Target: e.ResourceTarget})
	}
}
