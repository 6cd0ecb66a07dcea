-- name: InsertProvisionerJob :one
insert into provisioner_jobs (id, organization_id, initiator_id, type, file_id, subject_id, tags)
values (@id, @organization_id, @initiator_id, @type, @file_id, @subject_id, @tags)
returning *;

-- name: AcquireProvisionerJob :one
-- Takes the oldest pending job that the daemon may run. A job whose tags are the
-- defaults alone runs only on a daemon whose tags are the defaults alone.
update provisioner_jobs set
    status = 'running',
    attempt = attempt + 1,
    worker_id = @worker_id,
    worker_name = @worker_name,
    lease_expires_at = now() + make_interval(secs => @lease_seconds::float8),
    started_at = coalesce(started_at, now()),
    updated_at = now(),
    state_serial = 0,
    log_offset = 0,
    acquire_id = @acquire_id,
    modules_hash = null,
    holders = holders || jsonb_build_object((attempt + 1)::text, @holder::text)
where id = (
    select j.id from provisioner_jobs j
    where j.status = 'pending'
        and j.organization_id = @organization_id
        and j.tags <@ @tags::jsonb
        and (j.tags <> @default_tags::jsonb or @tags::jsonb = @default_tags::jsonb)
    order by j.created_at, j.id
    limit 1
    for update skip locked
)
returning *;

-- name: AnyPendingProvisionerJob :one
select exists (select 1 from provisioner_jobs where status = 'pending');

-- name: CountFailedAcquire :one
-- An attempt that ended before a daemon heard of it.
update provisioner_jobs set attempt = attempt + 1, updated_at = now()
where id = @id and status = 'pending' and attempt = @attempt
returning *;

-- name: GetProvisionerJob :one
select * from provisioner_jobs where id = @id;

-- name: LockProvisionerJob :one
select * from provisioner_jobs where id = @id for update;

-- name: LockExpiredProvisionerJob :one
select * from provisioner_jobs
where status in ('running', 'canceling') and lease_expires_at < now()
order by lease_expires_at
limit 1
for update skip locked;

-- name: RenewProvisionerJob :execrows
update provisioner_jobs set
    lease_expires_at = now() + make_interval(secs => @lease_seconds::float8),
    updated_at = now(),
    state_serial = @state_serial,
    log_offset = @log_offset,
    logs_length = @logs_length,
    logs_overflowed = @logs_overflowed
where id = @id and attempt = @attempt and status in ('running', 'canceling');

-- name: FinishProvisionerJob :execrows
-- Ends a job. Holders end their attempt with released; the sweep does not, so
-- that a repeated call of a holder can be told from a call that came too late.
update provisioner_jobs set
    status = @status,
    error = @error,
    error_code = @error_code,
    lease_expires_at = case when @released::boolean then null else lease_expires_at end,
    canceled_at = case when @status = 'canceled' then coalesce(canceled_at, now()) else canceled_at end,
    completed_at = now(),
    updated_at = now()
where id = @id and attempt = @attempt and status in ('pending', 'running', 'canceling');

-- name: RequeueProvisionerJob :execrows
update provisioner_jobs set
    status = 'pending',
    worker_id = null,
    worker_name = '',
    lease_expires_at = case when @released::boolean then null else lease_expires_at end,
    updated_at = now()
where id = @id and attempt = @attempt and status = 'running';

-- name: CancelProvisionerJob :execrows
update provisioner_jobs set
    status = 'canceling',
    force_cancel = force_cancel or @force::boolean,
    canceled_at = coalesce(canceled_at, now()),
    updated_at = now()
where id = @id and status in ('running', 'canceling');

-- name: ForceCancelProvisionerJobs :execrows
-- Jobs that were asked to stop long ago and did not are to be killed.
update provisioner_jobs set force_cancel = true, updated_at = now()
where status = 'canceling' and not force_cancel
    and canceled_at < now() - make_interval(secs => @seconds::float8);

-- name: ListProvisionerJobsByIDs :many
select * from provisioner_jobs where id = any (@ids::uuid[]);

-- name: GetProvisionerJobArchive :one
select f.data from provisioner_jobs j
join files f on f.id = j.file_id
where j.id = @id and j.attempt = @attempt and j.status in ('running', 'canceling');

-- name: InsertProvisionerJobAgentTokens :execrows
insert into provisioner_job_agent_tokens (token_hash, job_id)
select unnest(@token_hashes::bytea[]), @job_id::uuid
on conflict (token_hash) do nothing;

-- name: DeleteProvisionerJobAgentTokens :exec
delete from provisioner_job_agent_tokens where job_id = @job_id;

-- name: CountProvisionerJobStrays :one
select count(*)::integer from provisioner_job_strays where job_id = @job_id;

-- name: InsertProvisionerJobStray :exec
insert into provisioner_job_strays (id, job_id, attempt, kind, payload)
values (@id, @job_id, @attempt, @kind, @payload);

-- name: ListProvisionerJobStrays :many
select * from provisioner_job_strays where job_id = @job_id order by created_at, id;

-- name: GetDefaultOrganizationID :one
select id from organizations where is_default and not deleted;
