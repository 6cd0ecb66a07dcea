-- name: UpsertProvisionerDaemon :execrows
-- A daemon is known by its name in the organization. A name belongs to one
-- credential while its daemon is alive; the built-in daemons take theirs anyway.
insert into provisioner_daemons (id, organization_id, name, version, api_version, tags, key_id, key_name, last_seen_at)
values (@id, @organization_id, @name, @version, @api_version, @tags, @key_id, @key_name, now())
on conflict (organization_id, name) do update set
    id = excluded.id, version = excluded.version, api_version = excluded.api_version,
    tags = excluded.tags, key_id = excluded.key_id, key_name = excluded.key_name, last_seen_at = now()
where excluded.key_name = 'built-in'
    or (provisioner_daemons.key_name = excluded.key_name
        and provisioner_daemons.key_id is not distinct from excluded.key_id
        and provisioner_daemons.tags ->> 'owner' is not distinct from excluded.tags ->> 'owner')
    or provisioner_daemons.last_seen_at is null
    or provisioner_daemons.last_seen_at < now() - make_interval(secs => @stale_seconds::float8);

-- name: TouchProvisionerDaemon :exec
update provisioner_daemons set last_seen_at = now() where id = @id;

-- name: RetireProvisionerDaemon :exec
-- A daemon that says goodbye is offline at once.
update provisioner_daemons set last_seen_at = now() - make_interval(secs => @stale_seconds::float8)
where id = @id and key_name = @key_name;

-- name: DeleteOldProvisionerDaemons :execrows
delete from provisioner_daemons where last_seen_at < now() - make_interval(secs => @seconds::float8);

-- name: ListOnlineProvisionerDaemons :many
-- The daemons that could take a job now, busy ones included, and those seen
-- lately, for the time when one was last there.
select id, organization_id, tags, last_seen_at,
    (last_seen_at >= now() - make_interval(secs => @stale_seconds::float8))::boolean as online
from provisioner_daemons
where organization_id = any (@organizations::uuid[]) and last_seen_at is not null
order by last_seen_at desc
limit @max_rows;

-- name: ListProvisionerDaemons :many
select sqlc.embed(d),
    coalesce(d.last_seen_at >= now() - make_interval(secs => @stale_seconds::float8), false)::boolean as online,
    coalesce(cur.id, '00000000-0000-0000-0000-000000000000')::uuid as current_id, coalesce(cur.status, '')::text as current_status,
    coalesce(curt.name, '')::text as current_template, coalesce(curt.display_name, '')::text as current_display_name,
    coalesce(curt.icon, '')::text as current_icon,
    coalesce(prev.id, '00000000-0000-0000-0000-000000000000')::uuid as previous_id, coalesce(prev.status, '')::text as previous_status,
    coalesce(prevt.name, '')::text as previous_template, coalesce(prevt.display_name, '')::text as previous_display_name,
    coalesce(prevt.icon, '')::text as previous_icon
from provisioner_daemons d
left join lateral (
    select j.id, j.status from provisioner_jobs j
    where j.worker_id = d.id and j.status in ('running', 'canceling')
    order by j.started_at desc limit 1
) cur on true
left join lateral (
    select t.name, t.display_name, t.icon from template_versions v join templates t on t.id = v.template_id
    where v.job_id = cur.id
        or v.id = (select b.template_version_id from workspace_builds b where b.job_id = cur.id)
    limit 1
) curt on true
left join lateral (
    select j.id, j.status from provisioner_jobs j
    where j.worker_id = d.id and j.status in ('succeeded', 'failed', 'canceled')
    order by j.started_at desc limit 1
) prev on true
left join lateral (
    select t.name, t.display_name, t.icon from template_versions v join templates t on t.id = v.template_id
    where v.job_id = prev.id
        or v.id = (select b.template_version_id from workspace_builds b where b.job_id = prev.id)
    limit 1
) prevt on true
where d.organization_id = @organization_id
    and (cardinality(@ids::uuid[]) = 0 or d.id = any (@ids::uuid[]))
    and d.tags @> @tags::jsonb
    and (@max_age_seconds::float8 = 0 or d.last_seen_at >= now() - make_interval(secs => @max_age_seconds::float8))
    and (@with_offline::boolean or d.last_seen_at >= now() - make_interval(secs => @stale_seconds::float8))
    and (cardinality(@statuses::text[]) = 0 or (case
        when d.last_seen_at is null or d.last_seen_at < now() - make_interval(secs => @stale_seconds::float8) then 'offline'
        when cur.id is not null then 'busy' else 'idle' end) = any (@statuses::text[]))
order by d.created_at desc, d.id
limit @max_rows;
