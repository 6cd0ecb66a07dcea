package jobs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/jobs"
	"coder.internal/database"
	"coder.internal/internal/archive"
)

// modules packs one module with so many bytes that do not compress.
func modules(t testing.TB, seed byte, size int) []byte {
	t.Helper()
	dir := t.TempDir()
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(noise) // it never fails
	require.NoError(t, os.WriteFile(filepath.Join(dir, "modules.json"), []byte("{}"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.tf"), noise, 0o600))
	data, err := archive.Pack(dir, archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: 10}, size+1<<16, nil)
	require.NoError(t, err)
	return data
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// version enqueues an import and acquires it.
func (r *rig) version() (version api.ID, job *jobrpc.Job) {
	r.t.Helper()
	version = api.NewID()
	require.NoError(r.t, r.db.InTx(r.ctx, func(tx *database.Queries) error {
		row, err := r.queue.Enqueue(r.ctx, tx, jobs.EnqueueParams{Type: api.JobTemplateVersionImport, OrganizationID: r.org,
			InitiatorID: r.user, FileID: r.file, SubjectID: version})
		if err != nil {
			return err
		}
		return tx.InsertTemplateVersion(r.ctx, database.InsertTemplateVersionParams{ID: version, OrganizationID: r.org,
			Name: version.String(), JobID: row.ID, FileID: r.file, CreatedBy: r.user})
	}))
	return version, r.acquire()
}

// imported completes an import that brings modules.
func (r *rig) imported(data []byte) (version api.ID) {
	r.t.Helper()
	version, job := r.version()
	if data != nil {
		require.NoError(r.t, r.queue.KeepModules(r.ctx, jobrpc.ModulesRequest{JobID: job.ID, Attempt: job.Attempt, Data: data}))
	}
	require.NoError(r.t, r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &jobrpc.ImportResult{}}))
	return version
}

// template makes a template of versions.
func (r *rig) template(versions ...api.ID) (id api.ID) {
	r.t.Helper()
	id = api.NewID()
	r.exec(`insert into templates (id, organization_id, name, active_version_id, created_by) values ($1, $2, $3, $4, $5)`,
		id, r.org, id.String(), versions[0], r.user)
	for _, v := range versions {
		r.exec(`update template_versions set template_id = $1 where id = $2`, id, v)
	}
	return id
}

// build starts a workspace of a version and acquires the job.
func (r *rig) build(template, version api.ID) *jobrpc.Job {
	r.t.Helper()
	id, workspace := r.enqueue(nil), api.NewID()
	r.exec(`insert into workspaces (id, organization_id, owner_id, template_id, name) values ($1, $2, $3, $4, $5)`,
		workspace, r.org, r.user, template, workspace.String()[:20])
	r.exec(`insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, job_id, initiator_id, reason)
		select subject_id, $2, $3, 1, 'start', id, $4, 'initiator' from provisioner_jobs where id = $1`, id, workspace, version, r.user)
	return r.acquire()
}

func (r *rig) archives() (n int) {
	r.t.Helper()
	require.NoError(r.t, r.db.Pool().QueryRow(r.ctx, `select count(*) from template_modules`).Scan(&n))
	return n
}

func readAll(t testing.TB, rc io.ReadCloser, err error) []byte {
	t.Helper()
	require.NoError(t, err)
	b, err := io.ReadAll(rc)
	require.NoError(t, err)
	require.NoError(t, rc.Close())
	return b
}

func TestModulesOfAVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	data := modules(t, 1, 1<<10)
	one, two, none := r.imported(data), r.imported(data), r.imported(nil)
	require.Equal(t, 1, r.archives(), "the same content is stored once")
	template := r.template(one, two, none)
	for _, v := range []api.ID{one, two} {
		job := r.build(template, v)
		require.Equal(t, hash(data), job.ModulesHash)
		rc, err := r.queue.Modules(r.ctx, job.ID, job.Attempt)
		require.Equal(t, data, readAll(t, rc, err))
		_, err = r.queue.Modules(r.ctx, job.ID, job.Attempt+1)
		wantOver(t, err)
	}
	job := r.build(template, none)
	require.Empty(t, job.ModulesHash)
	_, err := r.queue.Modules(r.ctx, job.ID, job.Attempt)
	wantOver(t, err)
	// A build brings none.
	require.Equal(t, api.CodeInvalid, api.CodeOf(r.queue.KeepModules(r.ctx, jobrpc.ModulesRequest{JobID: job.ID, Attempt: job.Attempt, Data: data})))
}

func TestModulesBelongToTheAttempt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, job := r.version()
	put := func(attempt int, data []byte) error {
		return r.queue.KeepModules(r.ctx, jobrpc.ModulesRequest{JobID: job.ID, Attempt: attempt, Data: data})
	}
	data := modules(t, 1, 1<<10)
	require.NoError(t, put(1, data))
	require.NoError(t, put(1, data), "it may be sent again")
	require.Equal(t, api.CodeInvalid, api.CodeOf(put(1, modules(t, 2, 1<<10))), "an attempt brings one archive")
	wantOver(t, put(2, data))
	require.Equal(t, api.CodeInvalid, api.CodeOf(put(1, []byte("nonsense"))))
	require.Equal(t, api.CodeInvalid, api.CodeOf(put(1, nil)))
	require.Equal(t, api.CodeTooLarge, api.CodeOf(put(1, modules(t, 1, jobrpc.MaxModulesBytes))))

	// Another attempt starts without what the first one brought.
	require.NoError(t, r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Retry: true, Error: "x"}))
	wantOver(t, put(1, data))
	require.Equal(t, 2, r.acquire().Attempt)
	require.Nil(t, r.row(job.ID).ModulesHash)
	require.NoError(t, put(2, modules(t, 2, 1<<10)))
}

func TestUnusedModulesGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	shared, own, failed, fresh := modules(t, 1, 100), modules(t, 2, 100), modules(t, 3, 100), modules(t, 4, 100)
	first := r.template(r.imported(shared), r.imported(own))
	second := r.template(r.imported(shared))
	r.imported(modules(t, 5, 100)) // of no template yet
	_, job := r.version()
	require.NoError(t, r.queue.KeepModules(r.ctx, jobrpc.ModulesRequest{JobID: job.ID, Attempt: 1, Data: failed}))
	require.NoError(t, r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Error: "x"}))
	_, job = r.version()
	require.NoError(t, r.queue.KeepModules(r.ctx, jobrpc.ModulesRequest{JobID: job.ID, Attempt: 1, Data: fresh}))

	left := func(want int) {
		t.Helper()
		_, err := r.db.DeleteUnusedTemplateModules(r.ctx)
		require.NoError(t, err)
		require.Equal(t, want, r.archives())
	}
	left(5) // they are young
	r.exec(`update template_modules set used_at = now() - interval '2 hours'`)
	left(4) // without that of the failed import
	r.exec(`update templates set deleted = true where id = $1`, first)
	left(3) // without its own; the shared one has another user
	r.exec(`update templates set deleted = true where id = $1`, second)
	left(2)
	require.NoError(t, r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Error: "x"}))
	left(1)
}

// Daemons outside bring and get modules over their connection, in parts.
func TestModulesOverTheWire(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	holder, other := p.source(client.Daemon{Name: "one", PSK: "between us"}), p.source(client.Daemon{Name: "two", PSK: "between us"})
	id := p.enqueue(p.owner.User.ID, nil)
	job, err := holder.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Second})
	require.NoError(t, err)
	data := modules(t, 1, 3<<20)
	req := jobrpc.ModulesRequest{JobID: job.ID, Attempt: job.Attempt, Data: data}
	code(t, api.CodeConflict, other.KeepModules(t.Context(), req))
	require.NoError(t, holder.KeepModules(t.Context(), req))
	require.NoError(t, holder.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &jobrpc.ImportResult{}}))

	// A plan of that version, for a workspace that does not exist yet.
	row, err := p.DB.GetProvisionerJob(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, hash(data), *row.ModulesHash)
	plan := api.NewID()
	require.NoError(t, p.DB.InTx(t.Context(), func(tx *database.Queries) error {
		dry, err := p.Jobs.Enqueue(t.Context(), tx, jobs.EnqueueParams{Type: api.JobTemplateVersionDryRun, OrganizationID: p.org,
			InitiatorID: p.owner.User.ID, FileID: row.FileID, SubjectID: plan})
		if err != nil {
			return err
		}
		return tx.InsertProvisionerPlan(t.Context(), database.InsertProvisionerPlanParams{ID: plan, JobID: dry.ID,
			TemplateVersionID: row.SubjectID, WorkspaceName: "demo", OwnerID: p.owner.User.ID, Transition: string(api.TransitionStart),
			Parameters: json.RawMessage("[]")})
	}))
	job, err = other.Acquire(t.Context(), jobrpc.AcquireRequest{Wait: 10 * time.Second})
	require.NoError(t, err)
	require.NotNil(t, job)
	require.Equal(t, hash(data), job.ModulesHash)
	rc, err := other.Modules(t.Context(), job.ID, job.Attempt)
	require.True(t, bytes.Equal(data, readAll(t, rc, err)))
	_, err = holder.Modules(t.Context(), job.ID, job.Attempt)
	code(t, api.CodeConflict, err)
}
