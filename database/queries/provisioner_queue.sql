-- name: ListOpenProvisionerJobs :many
-- What waits and what runs in some organizations, oldest first, with the template
-- that it is for: the material of positions and estimates.
select j.id, j.organization_id, j.type, j.status, j.tags, j.worker_id,
    coalesce(extract(epoch from now() - j.started_at) * 1000, 0)::float8 as elapsed_ms,
    coalesce(t.id, '00000000-0000-0000-0000-000000000000')::uuid as template_id,
    coalesce(b.transition, '')::text as transition
from provisioner_jobs j
left join workspace_builds b on b.job_id = j.id
left join workspaces w on w.id = b.workspace_id
left join template_versions v on v.job_id = j.id
left join templates t on t.id = coalesce(w.template_id, v.template_id)
where j.organization_id = any (@organizations::uuid[]) and j.status in ('pending', 'running', 'canceling')
order by j.created_at, j.id
limit @max_rows;

-- name: ListProvisionerJobDurations :many
-- How long the last jobs of each kind took, in milliseconds.
select r.type, r.template_id, r.transition, avg(r.ms)::float8 as mean_ms, count(*)::integer as samples
from (
    select j.type, coalesce(w.template_id, v.template_id, '00000000-0000-0000-0000-000000000000')::uuid as template_id,
        coalesce(b.transition, '')::text as transition,
        (extract(epoch from j.completed_at - j.started_at) * 1000)::float8 as ms
    from provisioner_jobs j
    left join workspace_builds b on b.job_id = j.id
    left join workspaces w on w.id = b.workspace_id
    left join template_versions v on v.job_id = j.id
    where j.organization_id = any (@organizations::uuid[]) and j.status = 'succeeded'
        and j.completed_at is not null and j.started_at is not null and j.attempt = 1
    order by j.completed_at desc
    limit @max_rows
) r
group by r.type, r.template_id, r.transition;

-- name: ListProvisionerJobs :many
-- Newest first, as far as the caller may see them.
select j.* from provisioner_jobs j
where j.organization_id = @organization_id
    and (@all_jobs::boolean or j.initiator_id = @owner)
    and rbac_named(@anything::boolean, @named::uuid[], j.id)
    and (cardinality(@ids::uuid[]) = 0 or j.id = any (@ids::uuid[]))
    and (cardinality(@statuses::text[]) = 0 or j.status = any (@statuses::text[]))
    and j.tags @> @tags::jsonb
    and (@initiator::uuid = '00000000-0000-0000-0000-000000000000' or j.initiator_id = @initiator::uuid)
order by j.created_at desc, j.id desc
limit @max_rows;

-- name: ListProvisionerJobMetadata :many
select j.id, coalesce(v.name, '')::text as version_name, t.id as template_id,
    coalesce(t.name, '')::text as template_name, coalesce(t.display_name, '')::text as template_display_name,
    coalesce(t.icon, '')::text as template_icon, w.id as workspace_id, coalesce(w.name, '')::text as workspace_name,
    coalesce(b.transition, p.transition, '')::text as transition, p.template_version_id as plan_version_id
from provisioner_jobs j
left join workspace_builds b on b.job_id = j.id
left join provisioner_plans p on p.job_id = j.id
left join workspaces w on w.id = coalesce(b.workspace_id, p.workspace_id)
left join template_versions v on v.id = coalesce(b.template_version_id, p.template_version_id, (select iv.id from template_versions iv where iv.job_id = j.id))
left join templates t on t.id = coalesce(w.template_id, v.template_id)
where j.id = any (@ids::uuid[]);

-- name: ReacquireProvisionerJob :one
-- The attempt that an earlier sending of the same request was given.
update provisioner_jobs set
    lease_expires_at = now() + make_interval(secs => @lease_seconds::float8),
    updated_at = now()
where acquire_id = @acquire_id and status = 'running' and worker_id = @worker_id
    and holders ->> (attempt::text) = @holder::text
returning *;

-- name: ReclaimProvisionerJob :one
-- A job whose lease ran out and that nobody has taken goes on with its attempt.
update provisioner_jobs set
    status = 'running',
    worker_id = @worker_id,
    worker_name = @worker_name,
    lease_expires_at = now() + make_interval(secs => @lease_seconds::float8),
    updated_at = now()
where id = @id and attempt = @attempt and status = 'pending' and lease_expires_at is not null
returning *;

-- name: GetProvisionerJobArchivePart :one
select substring(f.data from @start::integer for @size::integer)::bytea as part, length(f.data)::integer as total
from provisioner_jobs j
join files f on f.id = j.file_id
where j.id = @id and j.attempt = @attempt and j.status in ('running', 'canceling');
