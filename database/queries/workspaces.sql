-- name: GetWorkspaceRow :one
select * from workspaces where id = @id;

-- name: LockWorkspace :one
-- Builds of one workspace are made one after another: whoever makes one holds this.
select * from workspaces where id = @id for update;

-- name: FindWorkspace :one
-- By owner and name. Living ones come first, then those deleted last.
select * from workspaces
where owner_id = @owner_id and lower(name) = lower(@name) and (not deleted or @include_deleted::boolean)
order by deleted, updated_at desc
limit 1;

-- name: InsertWorkspace :one
insert into workspaces (id, organization_id, owner_id, template_id, name, autostart_schedule, ttl_ms, automatic_updates)
values (@id, @organization_id, @owner_id, @template_id, @name, @autostart_schedule, @ttl_ms, @automatic_updates)
returning *;

-- name: RenameWorkspace :execrows
update workspaces set name = @name, updated_at = now()
where id = @id and not deleted and name = @old_name;

-- name: TouchWorkspace :exec
update workspaces set last_used_at = now() where id = @id and not deleted;

-- name: MarkWorkspaceDeleted :execrows
update workspaces set deleted = true, updated_at = now() where id = @id and not deleted;

-- name: SearchNewestWorkspaces :one
-- SearchWorkspaces for a caller who may read all and looks for nothing, among the first
-- thousand. It is planned once, because the constant tells how far it will go. The
-- total is -1 where it takes counting and counted says that somebody does.
with page as materialized (
    select array(
        select n.id from (
            select w.id, w.last_used_at from workspaces w
            where not w.deleted
            order by w.last_used_at desc, w.id
            limit 1000
        ) n
        order by n.last_used_at desc, n.id
        limit @max_rows offset @skip_rows
    )::uuid[] as ids
), known as (
    select p.ids::uuid[] as ids, (case when cardinality(p.ids) > 0 and cardinality(p.ids) < @max_rows::integer
        then cardinality(p.ids) + @skip_rows::integer end)::bigint as total
    from page p
)
select k.ids, (case when k.total is not null then k.total
        when not @counted::boolean then (select count(*) from workspaces w where not w.deleted) else -1 end)::bigint as total,
    length(set_config('coder.page', k.ids::text, true))::integer as kept
from known k;

-- name: CountWorkspaces :one
select count(*)::bigint as total from workspaces where not deleted;

-- name: SearchWorkspaces :one
-- One page of ids, newest use first, and how many match in all. The page stays in a
-- setting of the transaction, where what is read together with it finds it. The
-- conditions are planned for each of the two by itself, so that the page can walk the
-- index and stop early; where the page ends the list nothing is counted.
with matching as not materialized (
    select w.id, w.last_used_at from workspaces w
    where not w.deleted
        and rbac_visible(@everything::boolean, @orgs::uuid[], @owner_filter::uuid, @member_of::uuid[], @at_large::boolean, @shared_in::uuid[], @entries::text[],
            w.organization_id, w.owner_id, w.acl)
        and rbac_named(@anything::boolean, @named::uuid[], w.id)
        and (@owner::text = '' or w.owner_id = (select u.id from users u where lower(u.username) = lower(@owner::text) and not u.deleted))
        and (@template::text = '' or w.template_id in (select t.id from templates t where lower(t.name) = lower(@template::text) and not t.deleted))
        and (@organization::text = '' or w.organization_id = (select o.id from organizations o where lower(o.name) = lower(@organization::text) and not o.deleted))
        and (@name::text = '' or strpos(lower(w.name), lower(@name::text)) > 0)
        and (@exact_name::text = '' or lower(w.name) = lower(@exact_name::text))
        and (@status::text = '' or workspace_status(w.id) = @status::text)
), page as materialized (
    select array(select m.id from matching m order by m.last_used_at desc, m.id limit @max_rows offset @skip_rows)::uuid[] as ids
), known as (
    select p.ids::uuid[] as ids, (case when cardinality(p.ids) > 0 and cardinality(p.ids) < @max_rows::integer
        then cardinality(p.ids) + @skip_rows::integer
        when cardinality(p.ids) = 0 and @skip_rows::integer = 0 then 0 end)::bigint as total
    from page p
)
select k.ids, coalesce(k.total, (select count(*) from matching))::bigint as total,
    length(set_config('coder.page', k.ids::text, true))::integer as kept
from known k;

-- name: KeepPage :one
-- Makes a page of workspaces that are known.
select length(set_config('coder.page', (@ids::uuid[])::text, true))::integer as kept;

-- name: KeepNewestBuilds :one
-- The newest builds that were not refused of the workspaces on the page, and their jobs,
-- for what is read after it.
select length(set_config('coder.builds', coalesce(array_agg(b.id), '{}')::text, true)
    || set_config('coder.jobs', coalesce(array_agg(b.job_id), '{}')::text, true))::integer as kept
from unnest(nullif(current_setting('coder.page', true), '')::uuid[]) as p(id)
cross join lateral (
    select l.id, l.job_id from workspace_builds l
    where l.workspace_id = p.id and not l.refused
    order by l.build_number desc
    limit 1
) b;

-- name: ListWorkspaceDetails :many
-- Builds kept by KeepNewestBuilds with their jobs, their workspaces and the names around
-- these. Only columns that are shown: a page has many rows, and each value costs.
select w.id, w.organization_id, w.owner_id, w.template_id, w.name, w.autostart_schedule, w.ttl_ms, w.automatic_updates,
    w.last_used_at, w.created_at, w.updated_at,
    u.username as owner_name, u.avatar_url as owner_avatar_url, o.name as organization_name,
    t.name as template_name, t.display_name as template_display_name, t.icon as template_icon,
    t.active_version_id as template_active_version_id,
    t.allow_user_cancel_workspace_jobs as template_allow_user_cancel,
    t.require_active_version as template_require_active_version,
    t.use_classic_parameter_flow as template_use_classic_parameter_flow,
    b.id as build_id, b.template_version_id, b.build_number, b.transition, b.reason, b.initiator_id, b.job_id, b.daily_cost,
    b.deadline, b.max_deadline, b.created_at as build_created_at, b.updated_at as build_updated_at,
    b.template_version_preset_id, b.has_external_agent,
    j.organization_id as job_organization_id, j.initiator_id as job_initiator_id, j.type as job_type, j.status as job_status,
    j.file_id as job_file_id, j.tags as job_tags, j.worker_id as job_worker_id, j.worker_name as job_worker_name,
    j.error as job_error, j.error_code as job_error_code, j.logs_overflowed as job_logs_overflowed,
    j.created_at as job_created_at, j.started_at as job_started_at, j.canceled_at as job_canceled_at,
    j.completed_at as job_completed_at, j.subject_id as job_subject_id,
    v.name as version_name, i.username as initiator_name
from unnest(nullif(current_setting('coder.builds', true), '')::uuid[]) as p(id)
join workspace_builds b on b.id = p.id
join workspaces w on w.id = b.workspace_id
join provisioner_jobs j on j.id = b.job_id
join template_versions v on v.id = b.template_version_id
join users u on u.id = w.owner_id
join users i on i.id = b.initiator_id
join organizations o on o.id = w.organization_id
join templates t on t.id = w.template_id;

-- name: IsOrganizationMember :one
select exists (select 1 from organization_members where organization_id = @organization_id and user_id = @user_id)::boolean as member;
