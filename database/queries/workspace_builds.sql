-- name: InsertWorkspaceBuild :exec
insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, reason, initiator_id, job_id, debug,
    template_version_preset_id, daily_cost)
-- Until it is known what a build costs, it costs what there is.
values (@id, @workspace_id, @template_version_id, @build_number, @transition, @reason, @initiator_id, @job_id, @debug,
    @template_version_preset_id, coalesce((select p.daily_cost from workspace_builds p
        where p.workspace_id = @workspace_id and not p.refused order by p.build_number desc limit 1), 0));

-- name: GetLatestBuild :one
-- A build that was refused changed nothing; the one before it counts.
select sqlc.embed(b), j.status as job_status from workspace_builds b
join provisioner_jobs j on j.id = b.job_id
where b.workspace_id = @workspace_id and not b.refused
order by b.build_number desc
limit 1;

-- name: GetWorkspaceBuildRow :one
select * from workspace_builds where id = @id;

-- name: GetWorkspaceBuildID :one
select id from workspace_builds where workspace_id = @workspace_id and build_number = @build_number;

-- name: ListWorkspaceBuildIDs :many
-- Newest first; after_id is the last one seen.
select b.id from workspace_builds b
where b.workspace_id = @workspace_id
    and (sqlc.narg(since)::timestamptz is null or b.created_at >= sqlc.narg(since)::timestamptz)
    and (sqlc.narg(after_id)::uuid is null or b.build_number < (
        select a.build_number from workspace_builds a where a.id = sqlc.narg(after_id)::uuid and a.workspace_id = @workspace_id))
order by b.build_number desc
limit @max_rows offset @skip_rows;

-- name: ListWorkspaceBuildDetails :many
select sqlc.embed(b), sqlc.embed(j), w.name as workspace_name, w.owner_id, w.organization_id, u.username as owner_name,
    u.avatar_url as owner_avatar_url, i.username as initiator_name, v.name as version_name
from workspace_builds b
join provisioner_jobs j on j.id = b.job_id
join workspaces w on w.id = b.workspace_id
join users u on u.id = w.owner_id
join users i on i.id = b.initiator_id
join template_versions v on v.id = b.template_version_id
where b.id = any(@ids::uuid[])
order by b.workspace_id, b.build_number desc;

-- name: SetBuildDailyCost :exec
update workspace_builds set daily_cost = @daily_cost, updated_at = now() where id = @id;

-- name: InsertBuildParameters :exec
insert into workspace_build_parameters (workspace_build_id, name, value)
select @workspace_build_id::uuid, unnest(@names::text[]), unnest(@param_values::text[]);

-- name: ListBuildParameters :many
select name, value from workspace_build_parameters where workspace_build_id = @workspace_build_id order by name;

-- name: ListPreviousBuildParameters :many
-- Those of the build before this one.
select p.name, p.value from workspace_build_parameters p
where p.workspace_build_id = (
    select o.id from workspace_builds o
    join workspace_builds b on b.workspace_id = o.workspace_id and o.build_number < b.build_number
    where b.id = @workspace_build_id and not o.refused
    order by o.build_number desc
    limit 1)
order by p.name;

-- name: PutBuildState :exec
insert into workspace_build_states (workspace_build_id, state) values (@workspace_build_id, @state)
on conflict (workspace_build_id) do update set state = excluded.state, updated_at = now();

-- name: GetNewestState :one
-- The newest state of a workspace up to and including one of its builds.
select s.state from workspace_build_states s
join workspace_builds b on b.id = s.workspace_build_id
where b.workspace_id = @workspace_id and b.build_number <= @build_number
order by b.build_number desc
limit 1;

-- name: InsertBuildTimings :exec
insert into workspace_build_timings (job_id, stage, source, action, resource, started_at, ended_at)
select @job_id::uuid, unnest(@stages::text[]), unnest(@sources::text[]), unnest(@actions::text[]),
    unnest(@resources::text[]), unnest(@started_ats::timestamptz[]), unnest(@ended_ats::timestamptz[]);

-- name: ListBuildTimings :many
select * from workspace_build_timings where job_id = @job_id order by started_at, resource;

-- name: ListBuildScriptTimings :many
-- Scripts that an older release took the report of have their last run only.
select a.id as agent_id, a.name as agent_name, s.body, t.stage, t.status, t.exit_code::integer as exit_code, t.started_at, t.ended_at
from workspace_agent_scripts s
join workspace_agents a on a.id = s.agent_id
join lateral (
    select stage, status, exit_code, started_at, ended_at from workspace_agent_script_timings where script_id = s.id
    union all
    select s.stage, s.status, coalesce(s.exit_code, 0), s.started_at, s.ended_at
    where s.started_at is not null and s.ended_at is not null
        and not exists (select 1 from workspace_agent_script_timings where script_id = s.id)
) t on true
where a.workspace_build_id = @build_id::uuid
order by t.started_at;

-- name: ListBuildConnectionTimings :many
select id, name, created_at, first_connected_at from workspace_agents
where workspace_build_id = @build_id::uuid and first_connected_at is not null
order by first_connected_at;

-- name: EndJobWithoutWork :execrows
-- For a job that needs no daemon, in the transaction that made it.
update provisioner_jobs set status = 'succeeded', started_at = now(), completed_at = now(), updated_at = now()
where id = @id and status = 'pending';

-- name: GetVersionForBuild :one
select sqlc.embed(v), j.status as job_status, j.tags as job_tags
from template_versions v
join provisioner_jobs j on j.id = v.job_id
where v.id = @id;

-- name: GetWorkOfBuild :one
-- All that a daemon is told about a build.
select b.id, b.workspace_id, b.build_number, b.transition, b.template_version_id, b.debug, b.guarded, w.name as workspace_name,
    w.organization_id, t.id as template_id, t.name as template_name, v.name as version_name,
    v.uses_owner_session, v.uses_owner_ssh_key, v.external_auth, sqlc.embed(u)
from workspace_builds b
join workspaces w on w.id = b.workspace_id
join templates t on t.id = w.template_id
join template_versions v on v.id = b.template_version_id
join users u on u.id = w.owner_id
where b.id = @id;
