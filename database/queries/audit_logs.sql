-- name: InsertAuditLog :exec
insert into audit_logs (id, user_id, username, organization_id, ip, user_agent, request_id,
    resource_type, resource_id, resource_target, action, status_code, diff, additional_fields)
values (@id, @user_id, @username, @organization_id, @ip, @user_agent, @request_id,
    @resource_type, @resource_id, @resource_target, @action, @status_code, @diff, @additional_fields);

-- name: ListAuditLogs :many
-- The zero id and the empty text narrow nothing.
select sqlc.embed(a),
    coalesce(u.name, '')::text as user_full_name, coalesce(u.email, '')::text as user_email,
    coalesce(u.avatar_url, '')::text as user_avatar_url, coalesce(u.status, '')::text as user_status,
    coalesce(u.login_type, '')::text as user_login_type, u.created_at as user_created_at, u.last_seen_at as user_last_seen_at,
    coalesce(o.name, '')::text as organization_name, coalesce(o.display_name, '')::text as organization_display_name,
    coalesce(o.icon, '')::text as organization_icon,
    coalesce(case a.resource_type
        when 'workspace' then (select w.deleted from workspaces w where w.id = a.resource_id)
        when 'workspace_build' then (select w.deleted from workspace_builds b join workspaces w on w.id = b.workspace_id where b.id = a.resource_id)
        when 'user' then (select x.deleted from users x where x.id = a.resource_id)
        when 'template' then (select t.deleted from templates t where t.id = a.resource_id)
        when 'template_version' then (select t.deleted from template_versions v join templates t on t.id = v.template_id where v.id = a.resource_id)
        when 'organization' then (select x.deleted from organizations x where x.id = a.resource_id)
        when 'group' then not exists (select 1 from groups g where g.id = a.resource_id)
    end, false)::boolean as is_deleted,
    coalesce(case a.resource_type
        when 'workspace' then (select '/@' || x.username || '/' || w.name from workspaces w join users x on x.id = w.owner_id where w.id = a.resource_id)
        when 'workspace_build' then (select '/@' || x.username || '/' || w.name || '/builds/' || b.build_number
            from workspace_builds b join workspaces w on w.id = b.workspace_id join users x on x.id = w.owner_id where b.id = a.resource_id)
        when 'user' then (select '/users?filter=' || x.username from users x where x.id = a.resource_id)
        when 'template' then (select '/templates/' || t.name from templates t where t.id = a.resource_id)
        when 'template_version' then (select '/templates/' || t.name || '/versions/' || v.name
            from template_versions v join templates t on t.id = v.template_id where v.id = a.resource_id)
        when 'organization' then (select '/organizations/' || x.name from organizations x where x.id = a.resource_id)
    end, '')::text as resource_link
from audit_logs a
left join users u on u.id = a.user_id
left join organizations o on o.id = a.organization_id
where (@all_orgs::boolean or a.organization_id = any (@orgs::uuid[]))
    and (@resource_type::text = '' or a.resource_type = @resource_type)
    and (@resource_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.resource_id = @resource_id)
    and (@resource_target::text = '' or a.resource_target = @resource_target)
    and (@action::text = '' or a.action = @action)
    and (@username::text = '' or lower(a.username) = lower(@username))
    and (@email::text = '' or lower(u.email) = lower(@email))
    and (@organization_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.organization_id = @organization_id)
    and (@request_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.request_id = @request_id)
    and (@build_reason::text = '' or a.additional_fields ->> 'build_reason' = @build_reason)
    and (sqlc.narg(date_from)::timestamptz is null or a."time" >= sqlc.narg(date_from))
    and (sqlc.narg(date_to)::timestamptz is null or a."time" < sqlc.narg(date_to))
    and (@after_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or (a."time", a.id) < (
        select b."time", b.id from audit_logs b where b.id = @after_id))
order by a."time" desc, a.id desc
limit @max_rows offset @skip;

-- name: CountAuditLogs :one
-- Counts up to a cap, so that a long history costs no more than a short one.
select count(*) from (
    select 1 from audit_logs a
    left join users u on u.id = a.user_id
    where (@all_orgs::boolean or a.organization_id = any (@orgs::uuid[]))
        and (@resource_type::text = '' or a.resource_type = @resource_type)
        and (@resource_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.resource_id = @resource_id)
        and (@resource_target::text = '' or a.resource_target = @resource_target)
        and (@action::text = '' or a.action = @action)
        and (@username::text = '' or lower(a.username) = lower(@username))
        and (@email::text = '' or lower(u.email) = lower(@email))
        and (@organization_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.organization_id = @organization_id)
        and (@request_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.request_id = @request_id)
        and (@build_reason::text = '' or a.additional_fields ->> 'build_reason' = @build_reason)
        and (sqlc.narg(date_from)::timestamptz is null or a."time" >= sqlc.narg(date_from))
        and (sqlc.narg(date_to)::timestamptz is null or a."time" < sqlc.narg(date_to))
    limit @cap::integer
) as capped;

-- name: AllowAuditRetention :exec
-- Lets this transaction delete entries; no other may.
select set_config('coder.audit_retention', 'on', true);

-- name: DeleteOldAuditLogs :execrows
delete from audit_logs where id in (
    select a.id from audit_logs a
    where a."time" < now() - make_interval(secs => @seconds::double precision)
    order by a."time"
    limit @max_rows);
