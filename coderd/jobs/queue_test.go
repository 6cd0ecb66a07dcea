package jobs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/keys"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// owner is a Completer that remembers what it was told.
type owner struct {
	mu        sync.Mutex
	workErr   error
	refuse    error
	states    []string
	completed int
	failed    []jobrpc.FailRequest
}

func (o *owner) Work(_ context.Context, _ *database.Queries, _ database.ProvisionerJob, job *jobrpc.Job) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	job.Build = &jobrpc.BuildWork{}
	return o.workErr
}

func (o *owner) SaveState(_ context.Context, _ *database.Queries, _ database.ProvisionerJob, state []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.states = append(o.states, string(state))
	return nil
}

func (o *owner) Complete(context.Context, *database.Queries, database.ProvisionerJob, jobrpc.CompleteRequest) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		return o.refuse
	}
	o.completed++
	return nil
}

func (o *owner) Fail(_ context.Context, _ *database.Queries, _ database.ProvisionerJob, req jobrpc.FailRequest) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = append(o.failed, req)
	return nil
}

func (o *owner) lastState() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.states) == 0 {
		return ""
	}
	return o.states[len(o.states)-1]
}

func (o *owner) failures() []jobrpc.FailRequest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]jobrpc.FailRequest(nil), o.failed...)
}

// rig is a queue on a database of its own, with one user and one organization.
type rig struct {
	t     testing.TB
	db    *database.DB
	queue *jobs.Queue
	owner *owner
	ring  *keys.Ring
	org   api.ID
	user  api.ID
	file  api.ID
	ctx   context.Context
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigAt(t, clock.Real())
}

func newRigAt(t testing.TB, clk clock.Clock) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r := &rig{t: t, db: dbtest.New(t), owner: &owner{}, org: api.NewID(), user: api.NewID(), file: api.NewID(), ctx: ctx}
	log := slog.New(slog.DiscardHandler)
	ps := pubsub.New(r.db, log)
	live(t, ps.Run)
	<-ps.Ready()
	ring, err := keys.NewRing(make([]byte, keys.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r.ring = ring
	r.queue, err = jobs.New(jobs.Options{DB: r.db, PubSub: ps, Log: log, Clock: clk, Ring: ring})
	if err != nil {
		t.Fatal(err)
	}
	r.queue.SetCompleter(api.JobWorkspaceBuild, r.owner)
	r.queue.SetCompleter(api.JobTemplateVersionImport, r.owner)
	r.exec(`insert into organizations (id, name) values ($1, 'jobs')`, r.org)
	r.exec(`insert into users (id, username) values ($1, 'ann')`, r.user)
	r.exec(`insert into files (id, hash, mimetype, data, created_by) values ($1, 'abc', 'application/x-tar', 'tarball', $2)`, r.file, r.user)
	return r
}

// live runs a component for the length of the test.
func live(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Pool().Exec(r.ctx, sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) enqueue(tags map[string]string) api.ID {
	r.t.Helper()
	var id api.ID
	err := r.db.InTx(r.ctx, func(q *database.Queries) error {
		row, err := r.queue.Enqueue(r.ctx, q, jobs.EnqueueParams{Type: api.JobWorkspaceBuild, OrganizationID: r.org,
			InitiatorID: r.user, FileID: r.file, SubjectID: api.NewID(), Tags: tags})
		id = row.ID
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func (r *rig) request(wait time.Duration, tags map[string]string) jobrpc.AcquireRequest {
	id := api.NewID()
	return jobrpc.AcquireRequest{DaemonID: id, DaemonName: "d-" + id.String(), OrganizationID: r.org, Tags: tags, Wait: wait}
}

// acquire takes the next job at once and fails the test if there is none.
func (r *rig) acquire() *jobrpc.Job {
	r.t.Helper()
	job, err := r.queue.Acquire(r.ctx, r.request(0, nil))
	if err != nil {
		r.t.Fatal(err)
	}
	if job == nil {
		r.t.Fatal("no job to acquire")
	}
	return job
}

func (r *rig) row(id api.ID) database.ProvisionerJob {
	r.t.Helper()
	row, err := r.db.GetProvisionerJob(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return row
}

func (r *rig) wantStatus(id api.ID, want api.JobStatus) {
	r.t.Helper()
	if got := r.row(id).Status; got != string(want) {
		r.t.Fatalf("job is %s, want %s", got, want)
	}
}

// expire lets the lease of a job run out.
func (r *rig) expire(id api.ID) {
	r.exec(`update provisioner_jobs set lease_expires_at = now() - interval '1 second' where id = $1`, id)
}

func (r *rig) strays(id api.ID) []database.ProvisionerJobStray {
	r.t.Helper()
	rows, err := r.db.ListProvisionerJobStrays(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return rows
}

func (r *rig) cancel(id api.ID, force bool) error {
	return r.db.InTx(r.ctx, func(q *database.Queries) error { return r.queue.Cancel(r.ctx, q, id, force) })
}

func (r *rig) outputs(id api.ID) []string {
	r.t.Helper()
	lines, err := r.queue.Logs(r.ctx, id, 0, 0, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	out := []string{}
	for _, l := range lines {
		out = append(out, l.Output)
	}
	return out
}

func wantOver(t *testing.T, err error) {
	t.Helper()
	if api.CodeOf(err) != api.CodeConflict {
		t.Fatalf("got %v, want the attempt to be over", err)
	}
}

func lines(texts ...string) []jobrpc.Log {
	out := []jobrpc.Log{}
	for _, s := range texts {
		out = append(out, jobrpc.Log{CreatedAt: time.Now(), Source: "provisioner", Level: api.LogInfo, Stage: "Applying", Output: s})
	}
	return out
}

func TestAcquirersNeverShareAJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const count, daemons = 12, 6
	for range count {
		r.enqueue(nil)
	}
	got := make(chan api.ID, count)
	var wg sync.WaitGroup
	for range daemons {
		wg.Go(func() {
			for {
				job, err := r.queue.Acquire(r.ctx, r.request(0, nil))
				if err != nil {
					t.Error(err)
					return
				}
				if job == nil {
					return
				}
				got <- job.ID
			}
		})
	}
	wg.Wait()
	close(got)
	seen := map[api.ID]bool{}
	for id := range got {
		if seen[id] {
			t.Fatalf("job %s was given out twice", id)
		}
		seen[id] = true
	}
	if len(seen) != count {
		t.Fatalf("%d jobs were given out, want %d", len(seen), count)
	}
}

func TestAcquireOldestFirstWithArchive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second := r.enqueue(nil), r.enqueue(nil)
	loaded, err := jobs.Load(r.ctx, r.db.Queries, first, second)
	if err != nil {
		t.Fatal(err)
	}
	if p := loaded[second]; p.QueuePosition != 2 || p.QueueSize != 2 {
		t.Fatalf("second job is %d of %d", p.QueuePosition, p.QueueSize)
	}
	job := r.acquire()
	if job.ID != first || job.Attempt != 1 || job.ArchiveHash != "abc" || job.ArchiveType != api.ContentTypeTar {
		t.Fatalf("got %+v", job)
	}
	rc, err := r.queue.Archive(r.ctx, job.ID, job.Attempt)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(rc); err != nil || string(b) != "tarball" {
		t.Fatalf("archive %q, %v", b, err)
	}
	_, err = r.queue.Archive(r.ctx, job.ID, 2)
	wantOver(t, err)
	_, err = r.queue.Archive(r.ctx, second, 0)
	wantOver(t, err)
}

func TestAcquireWaitsForEnqueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	type result struct {
		job *jobrpc.Job
		err error
	}
	done := make(chan result, 1)
	go func() {
		job, err := r.queue.Acquire(r.ctx, r.request(30*time.Second, nil))
		done <- result{job, err}
	}()
	id := r.enqueue(nil)
	res := <-done
	if res.err != nil || res.job == nil || res.job.ID != id {
		t.Fatalf("got %+v", res)
	}
	job, err := r.queue.Acquire(r.ctx, r.request(10*time.Millisecond, nil))
	if job != nil || err != nil {
		t.Fatalf("got %v, %v after the wait", job, err)
	}
}

func TestAcquireTags(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		job, daemon map[string]string
		match       bool
	}{
		{"both untagged", nil, nil, true},
		{"untagged job, tagged daemon", nil, map[string]string{"gpu": "yes"}, false},
		{"tagged job, untagged daemon", map[string]string{"gpu": "yes"}, nil, false},
		{"subset", map[string]string{"gpu": "yes"}, map[string]string{"gpu": "yes", "zone": "a"}, true},
		{"other value", map[string]string{"gpu": "yes"}, map[string]string{"gpu": "no"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.enqueue(tc.job)
			job, err := r.queue.Acquire(r.ctx, r.request(0, tc.daemon))
			if err != nil {
				t.Fatal(err)
			}
			if (job != nil) != tc.match {
				t.Fatalf("matched: %v, want %v", job != nil, tc.match)
			}
		})
	}
}

func TestAcquireRefusesBadRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for field, req := range map[string]jobrpc.AcquireRequest{
		"daemon_id":       {DaemonName: "d", OrganizationID: r.org},
		"daemon_name":     {DaemonID: api.NewID(), OrganizationID: r.org},
		"tags":            {DaemonID: api.NewID(), DaemonName: "d", OrganizationID: r.org, Tags: map[string]string{"": "x"}},
		"organization_id": {DaemonID: api.NewID(), DaemonName: "d", OrganizationID: api.NewID()},
	} {
		_, err := r.queue.Acquire(r.ctx, req)
		var e *api.Error
		if !errors.As(err, &e) || e.Code != api.CodeInvalid || e.Validations[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestWorkErrorEndsTheJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.owner.workErr = errors.New("boom")
	bad := r.enqueue(nil)
	for i := range jobs.MaxAttempts {
		if job, err := r.queue.Acquire(r.ctx, r.request(0, nil)); job != nil || err != nil {
			t.Fatalf("attempt %d: got %v, %v", i, job, err)
		}
	}
	r.wantStatus(bad, api.JobFailed)
	if text := r.row(bad).Error; strings.Contains(text, "boom") || text == "" {
		t.Fatalf("job error is %q", text)
	}
	r.owner.workErr = api.Invalid("variables", "region is missing")
	told := r.enqueue(nil)
	if job, err := r.queue.Acquire(r.ctx, r.request(0, nil)); job != nil || err != nil {
		t.Fatalf("got %v, %v", job, err)
	}
	r.wantStatus(told, api.JobFailed)
	if text := r.row(told).Error; !strings.Contains(text, "region is missing") {
		t.Fatalf("job error is %q", text)
	}
	if n := len(r.owner.failures()); n != 2 {
		t.Fatalf("owner heard of %d failures, want 2", n)
	}
}
