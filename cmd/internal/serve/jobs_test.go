//go:build linux

package serve_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/jobs"
	"coder.internal/database"
	"coder.internal/provisionerd/provisionerdtest"
)

// The queue itself is what in-process daemons take jobs from.
func TestQueueIsAJobSource(t *testing.T) {
	t.Parallel()
	provisionerdtest.Conformance(t, func(t *testing.T) provisionerdtest.Harness {
		d := coderdtest.New(t)
		owner := d.FirstUser(t)
		org, err := d.DB.GetDefaultOrganization(t.Context())
		require.NoError(t, err)
		q := queue{d: d, owner: owner.User.ID, org: org.ID}
		return provisionerdtest.Harness{
			Source: d.Jobs, Request: jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "daemon"},
			Enqueue: q.enqueue, Cancel: q.cancel, Expire: q.expire, Logs: q.logs, Done: q.done,
		}
	})
}

// So is the queue as external daemons reach it.
func TestRemoteQueueIsAJobSource(t *testing.T) {
	t.Parallel()
	provisionerdtest.Conformance(t, func(t *testing.T) provisionerdtest.Harness {
		d := coderdtest.New(t, func(c *coderdtest.Config) { c.PSK = "between us" })
		owner := d.FirstUser(t)
		org, err := d.DB.GetDefaultOrganization(t.Context())
		require.NoError(t, err)
		q := queue{d: d, owner: owner.User.ID, org: org.ID}
		id := api.NewID()
		source := client.New(d.URL).JobSource(client.Daemon{Organization: "default", ID: id, Name: "daemon", PSK: "between us"},
			slog.New(slog.NewTextHandler(t.Output(), nil)))
		t.Cleanup(source.Close)
		return provisionerdtest.Harness{
			Source: source, Request: jobrpc.AcquireRequest{DaemonID: id, DaemonName: "daemon"},
			Enqueue: q.enqueue, Cancel: q.cancel, Expire: q.expire, Logs: q.logs, Done: q.done,
		}
	})
}

// queue is the side of the queue that daemons do not see.
type queue struct {
	d          *coderdtest.Deployment
	owner, org api.ID
}

func (q queue) enqueue(t testing.TB, archive []byte) (id api.ID) {
	t.Helper()
	ctx := context.Background()
	require.NoError(t, q.d.DB.InTx(ctx, func(tx *database.Queries) error {
		file, err := tx.InsertFile(ctx, database.InsertFileParams{ID: api.NewID(), Hash: api.NewID().String(),
			Mimetype: "application/x-tar", Data: append([]byte{}, archive...), CreatedBy: q.owner})
		if err != nil {
			return err
		}
		version := api.NewID()
		job, err := q.d.Jobs.Enqueue(ctx, tx, jobs.EnqueueParams{Type: api.JobTemplateVersionImport,
			OrganizationID: q.org, InitiatorID: q.owner, FileID: file.ID, SubjectID: version})
		if err != nil {
			return err
		}
		id = job.ID
		return tx.InsertTemplateVersion(ctx, database.InsertTemplateVersionParams{ID: version, OrganizationID: q.org,
			Name: version.String(), JobID: job.ID, FileID: file.ID, CreatedBy: q.owner})
	}))
	return id
}

func (q queue) cancel(t testing.TB, id api.ID, force bool) {
	t.Helper()
	ctx := context.Background()
	require.NoError(t, q.d.DB.InTx(ctx, func(tx *database.Queries) error { return q.d.Jobs.Cancel(ctx, tx, id, force) }))
}

func (q queue) expire(t testing.TB, id api.ID) {
	t.Helper()
	_, err := q.d.DB.Pool().Exec(context.Background(),
		`update provisioner_jobs set lease_expires_at = now() - interval '1 s' where id = $1`, id)
	require.NoError(t, err)
}

func (q queue) logs(t testing.TB, id api.ID) (out []string) {
	t.Helper()
	lines, err := q.d.Jobs.Logs(context.Background(), id, 0, 0, 100)
	require.NoError(t, err)
	for _, l := range lines {
		out = append(out, l.Output)
	}
	return out
}

func (q queue) done(t testing.TB, id api.ID) (bool, string) {
	t.Helper()
	row, err := q.d.DB.GetProvisionerJob(context.Background(), id)
	require.NoError(t, err)
	return api.JobStatus(row.Status).Done(), row.Error
}

// The job of a daemon that has died is handed to another one within the 90 s that
// people are promised, on the real clock and with nobody's help.
func TestDeadDaemonsJobIsTakenOver(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	org, err := d.DB.GetDefaultOrganization(t.Context())
	require.NoError(t, err)
	id := queue{d: d, owner: owner.User.ID, org: org.ID}.enqueue(t, []byte("archive"))
	dead, err := d.Jobs.Acquire(t.Context(), jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "dead", Wait: time.Minute})
	require.NoError(t, err)
	require.Equal(t, id, dead.ID)
	began := time.Now()
	var again *jobrpc.Job
	for again == nil && time.Since(began) < 90*time.Second {
		again, err = d.Jobs.Acquire(t.Context(), jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "alive", Wait: time.Minute})
		require.NoError(t, err)
	}
	require.NotNil(t, again)
	require.Equal(t, id, again.ID)
	require.Equal(t, 2, again.Attempt)
	t.Logf("taken over after %s", time.Since(began).Round(time.Second))
}
