-- name: StoreApplicationUsage :exec
-- Minutes in which applications were used; those that are known change nothing. The
-- last part notes that the workspaces are in use; one that is locked is left for the
-- next time.
with u as (
    select unnest(@minutes::timestamptz[]) as minute, unnest(@workspace_ids::uuid[]) as workspace_id,
        unnest(@user_ids::uuid[]) as user_id, unnest(@apps::text[]) as slug_or_port, unnest(@forms::text[]) as access_form
), counted as (
    insert into application_usage (minute, workspace_id, user_id, slug_or_port, access_form)
    select distinct u.minute, u.workspace_id, u.user_id, u.slug_or_port, u.access_form
    from u join workspaces w on w.id = u.workspace_id join users p on p.id = u.user_id
    order by u.minute, u.workspace_id, u.user_id, u.slug_or_port, u.access_form -- replicas in the same order
    on conflict do nothing
), used as (
    select w.id from workspaces w
    where w.id = any(@workspace_ids) and not w.deleted and w.last_used_at < now() - interval '30 seconds'
    for update skip locked
)
update workspaces set last_used_at = now() where id in (select id from used);

-- name: SumApplicationUsage :many
-- Minutes of people of the last 30 days. Ports have no slug and are one sum, or
-- their number would be that of the series. Somebody who has an application open
-- twice uses it once.
with d as (
    select distinct u.workspace_id, (case when u.slug_or_port ~ '^[0-9]+s?$' then '' else u.slug_or_port end)::text as slug, u.user_id, u.minute
    from application_usage u where u.minute > now() - interval '30 days'
), m as (
    select d.workspace_id, d.slug, count(*) as minutes from d group by 1, 2
)
select t.name as template_name, o.name as organization_name, m.slug,
    coalesce(max(a.display_name), '')::text as application_name, sum(m.minutes)::bigint as minutes
from m
join workspaces w on w.id = m.workspace_id
join templates t on t.id = w.template_id
join organizations o on o.id = w.organization_id
left join lateral (
    select app.body ->> 'display_name' as display_name
    from workspace_builds b
    join workspace_agents g on g.workspace_build_id = b.id
    join workspace_apps app on app.agent_id = g.id and app.slug = m.slug
    where b.workspace_id = w.id
    order by b.build_number desc limit 1) a on true
group by t.name, o.name, m.slug
order by o.name, t.name, m.slug
limit @max_rows;

-- name: DeleteOldApplicationUsage :execrows
delete from application_usage where ctid = any(array(
    select u.ctid from application_usage u where u.minute < now() - make_interval(secs => @seconds::double precision)
    limit @max_rows::integer));
