package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/jobs"
	"coder.internal/database"
)

// plane is a control plane that external daemons reach.
type plane struct {
	*coderdtest.Deployment
	t     *testing.T
	owner *coderdtest.Client
	org   api.ID
}

func newPlane(t *testing.T) plane {
	t.Helper()
	d := coderdtest.New(t, func(c *coderdtest.Config) { c.PSK = "between us" })
	p := plane{Deployment: d, t: t, owner: d.FirstUser(t)}
	org, err := d.DB.GetDefaultOrganization(t.Context())
	require.NoError(t, err)
	p.org = org.ID
	return p
}

// source is a daemon's side of a connection.
func (p plane) source(who client.Daemon, opts ...client.Option) *client.JobSource {
	if who.Organization == "" {
		who.Organization = "default"
	}
	if who.ID.IsZero() {
		who.ID = api.NewID()
	}
	s := client.New(p.URL, opts...).JobSource(who, slog.New(slog.NewTextHandler(p.t.Output(), nil)))
	p.t.Cleanup(s.Close)
	return s
}

func (p plane) key(name string, tags map[string]string) api.Secret {
	p.t.Helper()
	return coderdtest.Do[api.CreateProvisionerKeyResponse](p.t, p.owner, http.StatusCreated, http.MethodPost,
		"/api/v2/organizations/default/provisionerkeys", api.CreateProvisionerKeyRequest{Name: name, Tags: tags}).Key
}

// enqueue adds an import with tags, started by a user.
func (p plane) enqueue(by api.ID, tags map[string]string) (id api.ID) {
	p.t.Helper()
	ctx := context.Background()
	require.NoError(p.t, p.DB.InTx(ctx, func(tx *database.Queries) error {
		file, err := tx.InsertFile(ctx, database.InsertFileParams{ID: api.NewID(), Hash: api.NewID().String(),
			Mimetype: "application/x-tar", Data: []byte("tarball"), CreatedBy: by})
		if err != nil {
			return err
		}
		version := api.NewID()
		job, err := p.Jobs.Enqueue(ctx, tx, jobs.EnqueueParams{Type: api.JobTemplateVersionImport, OrganizationID: p.org,
			InitiatorID: by, FileID: file.ID, SubjectID: version, Tags: tags})
		if err != nil {
			return err
		}
		id = job.ID
		return tx.InsertTemplateVersion(ctx, database.InsertTemplateVersionParams{ID: version, OrganizationID: p.org,
			Name: version.String(), JobID: job.ID, FileID: file.ID, CreatedBy: by})
	}))
	return id
}

func code(t *testing.T, want api.Code, err error) {
	t.Helper()
	require.Equal(t, want, api.CodeOf(err), "%v", err)
}

func TestCredentialsOfDaemons(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	member := p.NewUser(t, p.owner, "bob")
	key := p.key("cloud", map[string]string{"cloud": "b"})
	user := map[string]string{api.TagScope: api.ScopeUser}
	as := func(c *coderdtest.Client) client.Option { return client.WithToken(c.Token) }
	for name, tc := range map[string]struct {
		who  client.Daemon
		opts []client.Option
		want api.Code
	}{
		"nobody":                      {client.Daemon{}, nil, api.CodeUnauthenticated},
		"wrong psk":                   {client.Daemon{PSK: "between them"}, nil, api.CodeUnauthenticated},
		"psk":                         {client.Daemon{PSK: "between us", Tags: map[string]string{"a": "b"}}, nil, ""},
		"psk for a user":              {client.Daemon{PSK: "between us", Tags: user}, nil, api.CodeInvalid},
		"wrong key":                   {client.Daemon{Key: key + "x"}, nil, api.CodeUnauthenticated},
		"key":                         {client.Daemon{Key: key}, nil, ""},
		"key with other tags":         {client.Daemon{Key: key, Tags: map[string]string{"cloud": "a"}}, nil, api.CodeInvalid},
		"owner":                       {client.Daemon{}, []client.Option{as(p.owner)}, ""},
		"member":                      {client.Daemon{}, []client.Option{as(member)}, api.CodeForbidden},
		"member for themselves":       {client.Daemon{Tags: user}, []client.Option{as(member)}, ""},
		"member for the organization": {client.Daemon{Tags: map[string]string{api.TagScope: api.ScopeOrganization}}, []client.Option{as(member)}, api.CodeForbidden},
		"member for somebody": {client.Daemon{Tags: map[string]string{api.TagScope: api.ScopeUser, api.TagOwner: p.owner.User.ID.String()}},
			[]client.Option{as(member)}, api.CodeInvalid},
		"no such organization": {client.Daemon{PSK: "between us", Organization: "elsewhere"}, nil, api.CodeNotFound},
	} {
		tc.who.Name = "daemon-" + api.NewID().String()
		code(t, tc.want, p.source(tc.who, tc.opts...).Connect(t.Context()))
		t.Log(name)
	}
	// A name belongs to the credential that came first.
	require.NoError(t, p.source(client.Daemon{Name: "same", Key: key}).Connect(t.Context()))
	code(t, api.CodeConflict, p.source(client.Daemon{Name: "same", PSK: "between us"}).Connect(t.Context()))
}

func TestAttemptsOfOthers(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	key := p.key("cloud", nil)
	holder := p.source(client.Daemon{Name: "one", PSK: "between us"})
	p.enqueue(p.owner.User.ID, nil)
	job, err := holder.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Second})
	require.NoError(t, err)
	require.NotNil(t, job)
	for _, other := range []*client.JobSource{p.source(client.Daemon{Name: "two", Key: key}), p.source(client.Daemon{Name: "three", PSK: "between us"})} {
		_, err = other.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1})
		code(t, api.CodeConflict, err)
		code(t, api.CodeConflict, other.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Error: "mine"}))
		code(t, api.CodeConflict, other.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Import: &jobrpc.ImportResult{}}))
		_, err = other.Archive(t.Context(), job.ID, 1)
		code(t, api.CodeConflict, err)
	}
	// The holder may bring what a job may bring.
	_, err = holder.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, State: make([]byte, 8<<20), StateSerial: 1})
	require.NoError(t, err)
	row, err := p.DB.GetProvisionerJob(t.Context(), job.ID)
	require.NoError(t, err)
	require.EqualValues(t, 1, row.StateSerial)
}

// The same request over another connection gets the same attempt: the answer may
// have been lost.
func TestRepeatedAcquire(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	id := api.NewID()
	req := jobrpc.AcquireRequest{RequestID: api.NewID(), Wait: 10 * time.Second}
	want := p.enqueue(p.owner.User.ID, nil)
	p.enqueue(p.owner.User.ID, nil)
	for range 2 {
		s := p.source(client.Daemon{ID: id, Name: "one", PSK: "between us"})
		job, err := s.Acquire(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, want, job.ID)
		require.Equal(t, 1, job.Attempt)
	}
}

// An attempt whose lease ran out goes on while nobody has taken its job.
func TestAttemptGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	job := r.acquire()
	r.expire(id)
	require.NoError(t, r.queue.Sweep(r.ctx))
	r.wantStatus(id, api.JobPending)
	r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1, Logs: lines("still here")})
	r.wantStatus(id, api.JobRunning)
	require.Equal(t, job.Attempt, int(r.row(id).Attempt))
	r.expire(id)
	require.NoError(t, r.queue.Sweep(r.ctx))
	require.NoError(t, r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: id, Attempt: 1, Build: &jobrpc.BuildResult{}}))
	r.wantStatus(id, api.JobSucceeded)
}

// A template cannot send the jobs of others to the daemon of one user.
func TestOwnerTagIsTheOwners(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	bob := p.NewUser(t, p.owner, "bob")
	p.enqueue(p.owner.User.ID, map[string]string{api.TagScope: api.ScopeUser, api.TagOwner: bob.User.ID.String()})
	mine := p.enqueue(bob.User.ID, map[string]string{api.TagScope: api.ScopeUser})
	s := p.source(client.Daemon{Name: "laptop", Tags: map[string]string{api.TagScope: api.ScopeUser}}, client.WithToken(bob.Token))
	job, err := s.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Second})
	require.NoError(t, err)
	require.Equal(t, mine, job.ID)
	job, err = s.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Millisecond})
	require.NoError(t, err)
	require.Nil(t, job)
}

func TestDeletedKeyIsOut(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	key := p.key("cloud", nil)
	s := p.source(client.Daemon{Name: "one", Key: key})
	p.enqueue(p.owner.User.ID, nil)
	job, err := s.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Second})
	require.NoError(t, err)
	res, text := p.owner.Raw(t, http.MethodDelete, "/api/v2/organizations/default/provisionerkeys/cloud", nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
	_, err = s.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1})
	require.Error(t, err)
	code(t, api.CodeUnauthenticated, p.source(client.Daemon{Name: "one", Key: key}).Connect(t.Context()))
	log := coderdtest.Do[api.AuditLogResponse](t, p.owner, http.StatusOK, http.MethodGet, "/api/v2/audit?q=resource_type:provisioner_key", nil)
	require.Len(t, log.AuditLogs, 2, "made and deleted")
}

func TestLists(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	bob := p.NewUser(t, p.owner, "bob")
	key := p.key("cloud", map[string]string{"cloud": "b"})
	s := p.source(client.Daemon{Name: "one", Key: key, Version: "v9"})
	require.NoError(t, s.Connect(t.Context()))
	busy := p.enqueue(p.owner.User.ID, map[string]string{"cloud": "b"})
	_, err := s.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Second})
	require.NoError(t, err)
	waiting := p.enqueue(bob.User.ID, map[string]string{"cloud": "c"})

	daemons := coderdtest.Do[[]api.ProvisionerDaemon](t, p.owner, http.StatusOK, http.MethodGet, `/api/v2/organizations/default/provisionerdaemons?tags=%7B%22cloud%22:%22b%22%7D`, nil)
	require.Len(t, daemons, 1)
	d := daemons[0]
	require.Equal(t, []any{"one", "cloud", api.DaemonBusy, "v9"}, []any{d.Name, d.KeyName, d.Status, d.Version})
	require.Equal(t, busy, d.CurrentJob.ID)

	all := coderdtest.Do[[]api.ProvisionerJob](t, p.owner, http.StatusOK, http.MethodGet, "/api/v2/organizations/default/provisionerjobs", nil)
	require.Len(t, all, 2)
	own := coderdtest.Do[[]api.ProvisionerJob](t, bob, http.StatusOK, http.MethodGet, "/api/v2/organizations/default/provisionerjobs?status=pending", nil)
	require.Len(t, own, 1)
	require.Equal(t, waiting, own[0].ID)
	require.Equal(t, 1, own[0].QueuePosition)
	require.Contains(t, own[0].QueueNote, "cloud=c")
	require.NotEmpty(t, own[0].Metadata.TemplateVersionName)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, http.MethodGet, "/api/v2/organizations/default/provisionerjobs/"+busy.String(), nil)
	e := coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, http.MethodGet, "/api/v2/organizations/default/provisionerjobs?status=odd", nil)
	require.Equal(t, "status", e.Validations[0].Field)

	version := coderdtest.Do[api.TemplateVersion](t, p.owner, http.StatusOK, http.MethodGet, "/api/v2/templateversions/"+own[0].Input.TemplateVersionID.String(), nil)
	require.Equal(t, &api.MatchedProvisioners{}, version.MatchedProvisioners)

	// A daemon that says goodbye is gone at once.
	s.Close()
	require.Eventually(t, func() bool {
		gone := coderdtest.Do[[]api.ProvisionerDaemon](t, p.owner, http.StatusOK, http.MethodGet, "/api/v2/organizations/default/provisionerdaemons?offline=true&status=offline", nil)
		return len(gone) == 1 && gone[0].Name == "one"
	}, 10*time.Second, 10*time.Millisecond)
}

// A state of many megabytes goes over in frames, and comes back whole.
func TestBigMessagesAreCut(t *testing.T) {
	t.Parallel()
	big := []byte(strings.Repeat(`{"é":"<&>"}`, 3<<20/11))
	var text []byte
	var join jobrpc.Joiner
	message, err := json.Marshal(jobrpc.UpdateRequest{State: big})
	require.NoError(t, err)
	frames := 0
	require.NoError(t, jobrpc.Cut(7, message, func(f jobrpc.Frame) error {
		frames++
		require.LessOrEqual(t, len(f.Text), jobrpc.MaxFrameText)
		require.Nil(t, text)
		text, err = join.Add(f)
		return err
	}))
	require.Greater(t, frames, 5)
	require.Equal(t, message, text)
}

func TestTooManyDaemonsOfOnePerson(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	bob := p.NewUser(t, p.owner, "bob")
	connect := func(i int) error {
		return p.source(client.Daemon{Name: fmt.Sprint("laptop-", i), Tags: map[string]string{api.TagScope: api.ScopeUser}},
			client.WithToken(bob.Token)).Connect(t.Context())
	}
	for i := range 4 {
		require.NoError(t, connect(i))
	}
	code(t, api.CodeRateLimited, connect(4))
}

// The first requests of a daemon may come at once: none of them is told that
// another daemon has its id.
func TestFirstRequestsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 20 {
		req := jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: fmt.Sprint("new-", i), OrganizationID: r.org}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				_, err := r.queue.Acquire(r.ctx, req)
				assert.NoError(t, err)
			})
		}
		all.Wait()
	}
}
