-- name: FindAppPlaces :many
-- Where an application may be: one row for each agent of a workspace that runs, one
-- without an agent for one that does not. max_rows is one more than is looked at.
select w.id as workspace_id, w.name as workspace_name, w.organization_id, w.owner_id, w.acl as workspace_acl, u.username as owner_name,
    t.max_port_share_level, t.cors_behavior, coalesce(workspace_status(w.id), '')::text as status,
    a.id as agent_id, coalesce(a.name, '')::text as agent_name,
    coalesce(a.last_connected_at > now() - make_interval(secs => @stale_seconds::float8)
        and (a.disconnected_at is null or a.disconnected_at < a.last_connected_at), false)::boolean as agent_connected,
    coalesce(p.body, '{}')::jsonb as app, p.id as app_id, coalesce(p.health, '')::text as app_health,
    coalesce(s.share_level, '')::text as share_level, coalesce(s.protocol, '')::text as share_protocol
from workspaces w
join users u on u.id = w.owner_id and not u.deleted
join templates t on t.id = w.template_id
left join lateral (
    select b.id, b.transition from workspace_builds b join provisioner_jobs j on j.id = b.job_id
    where b.workspace_id = w.id and j.status = 'succeeded'
    order by b.build_number desc limit 1) b on true
left join workspace_agents a on a.workspace_build_id = b.id and b.transition = 'start' and (@agent::text = '' or lower(a.name) = @agent::text)
left join workspace_apps p on p.agent_id = a.id and p.slug = @slug::text
left join workspace_port_shares s on s.workspace_id = w.id and lower(s.agent_name) = lower(a.name) and s.port = @port::integer
where lower(u.username) = @owner::text and lower(w.name) = @workspace::text and not w.deleted
order by a.ordinal, a.id
limit @max_rows;

-- name: UseAppTicket :execrows
-- One row for the first who uses it.
insert into app_tickets_used (id, expires_at) values (@id, now() + make_interval(secs => @seconds::float8))
on conflict do nothing;

-- name: DeleteOldAppTickets :exec
delete from app_tickets_used where id in (select id from app_tickets_used where expires_at < now() limit 100);

-- name: ListPortShares :many
select * from workspace_port_shares where workspace_id = @workspace_id order by agent_name, port;

-- name: CountPortShares :one
select count(*)::integer from workspace_port_shares where workspace_id = @workspace_id;

-- name: GetPortShare :one
select * from workspace_port_shares where workspace_id = @workspace_id and agent_name = @agent_name and port = @port;

-- name: UpsertPortShare :exec
insert into workspace_port_shares (workspace_id, agent_name, port, share_level, protocol)
values (@workspace_id, @agent_name, @port, @share_level, @protocol)
on conflict (workspace_id, agent_name, port) do update set share_level = excluded.share_level, protocol = excluded.protocol;

-- name: DeletePortShare :execrows
delete from workspace_port_shares where workspace_id = @workspace_id and agent_name = @agent_name and port = @port;

-- name: GetPortShareLimits :one
-- The template's maximum, and the agent's name as the workspace has it.
select t.max_port_share_level, coalesce((
    select a.name from workspace_agents a join workspace_builds b on b.id = a.workspace_build_id
    where b.workspace_id = w.id and lower(a.name) = lower(@agent_name::text)
    order by b.build_number desc limit 1), '')::text as agent_name
from workspaces w join templates t on t.id = w.template_id where w.id = @workspace_id;
