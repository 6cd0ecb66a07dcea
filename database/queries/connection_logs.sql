-- name: OpenConnection :one
-- Notes that a connection has begun. first is false for one that is known; reopen
-- lets it go on when it had ended.
insert into connection_logs (id, organization_id, workspace_owner_id, workspace_id, workspace_name, agent_name, agent_id,
    type, ip, code, user_id, user_agent, slug_or_port, connection_id)
values (@id, @organization_id, @workspace_owner_id, @workspace_id, @workspace_name, @agent_name, @agent_id,
    @type, @ip, @code, @user_id, @user_agent, @slug_or_port, @connection_id)
on conflict (connection_id, workspace_id, agent_name, type, user_id) where connection_id is not null do update set
    disconnect_time = case when @reopen::boolean then null else connection_logs.disconnect_time end,
    disconnect_reason = case when @reopen then '' else connection_logs.disconnect_reason end
returning (id = @id)::boolean as first;

-- name: CloseConnection :execrows
-- Ends an open connection; one that has ended stays as it is.
update connection_logs set disconnect_time = now(), disconnect_reason = @reason, code = coalesce(sqlc.narg(code), code)
where connection_id = @connection_id::uuid and workspace_id = @workspace_id and agent_name = @agent_name
    and type = any (@types::text[]) and user_id = @user_id and disconnect_time is null;

-- name: CountAuditsOfClient :one
-- How often a client has connected to an agent today, by what it calls itself.
select count(*) from audit_logs
where resource_id = @agent_id and user_id = @user_id::uuid and action = 'connect'
    and additional_fields ->> 'client_id' = @client_id::text and "time" > now() - interval '1 day';

-- name: CountRecentConnections :one
select count(*) from connection_logs
where workspace_id = @workspace_id and connect_time > now() - interval '1 hour';

-- name: CloseLostConnections :execrows
-- Of agents that are gone, or whose build is no longer the newest: nobody else
-- will say that they ended.
update connection_logs c set disconnect_time = coalesce(l.gone, now()), disconnect_reason = 'The agent is gone.'
from (
    select c.id, a.disconnected_at as gone
    from connection_logs c
    left join workspace_agents a on a.id = c.agent_id
    where c.disconnect_time is null and c.connection_id is not null
        and (a.id is null
            or a.disconnected_at < now() - make_interval(secs => @seconds::double precision)
            or a.first_connected_at is not null and a.last_connected_at < now() - make_interval(secs => @seconds))
    order by c.connect_time
    limit @max_rows
    for update of c skip locked
) l
where c.id = l.id;

-- name: DeleteOldConnectionLogs :execrows
delete from connection_logs where id in (
    select c.id from connection_logs c
    where c.connect_time < now() - make_interval(secs => @seconds::double precision)
    order by c.connect_time
    limit @max_rows);

-- name: ListConnectionLogs :many
-- The zero id and the empty text narrow nothing.
select sqlc.embed(c), w.username as owner_username,
    coalesce(o.name, '')::text as organization_name, coalesce(o.display_name, '')::text as organization_display_name,
    coalesce(o.icon, '')::text as organization_icon,
    coalesce(u.username, '')::text as user_username, coalesce(u.name, '')::text as user_full_name,
    coalesce(u.email, '')::text as user_email, coalesce(u.avatar_url, '')::text as user_avatar_url,
    coalesce(u.status, '')::text as user_status, coalesce(u.login_type, '')::text as user_login_type,
    u.created_at as user_created_at, u.last_seen_at as user_last_seen_at
from connection_logs c
join users w on w.id = c.workspace_owner_id
left join organizations o on o.id = c.organization_id
left join users u on u.id = c.user_id
where (@all_orgs::boolean or c.organization_id = any (@orgs::uuid[]))
    and (@organization_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or c.organization_id = @organization_id)
    and (@workspace_owner::text = '' or lower(w.username) = lower(@workspace_owner))
    and (@workspace_owner_email::text = '' or lower(w.email) = lower(@workspace_owner_email))
    and (@type::text = '' or c.type = @type)
    and (@username::text = '' or lower(u.username) = lower(@username))
    and (@user_email::text = '' or lower(u.email) = lower(@user_email))
    and (sqlc.narg(connected_after)::timestamptz is null or c.connect_time >= sqlc.narg(connected_after))
    and (sqlc.narg(connected_before)::timestamptz is null or c.connect_time < sqlc.narg(connected_before))
    and (@workspace_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or c.workspace_id = @workspace_id)
    and (@connection_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or c.connection_id = @connection_id)
    and (@status::text = '' or (@status = 'ongoing') = (c.disconnect_time is null and c.connection_id is not null))
    and (@after_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or (c.connect_time, c.id) < (
        select b.connect_time, b.id from connection_logs b where b.id = @after_id))
order by c.connect_time desc, c.id desc
limit @max_rows offset @skip;

-- name: CountConnectionLogs :one
-- Counts up to a cap, so that a long history costs no more than a short one.
select count(*) from (
    select 1 from connection_logs c
    join users w on w.id = c.workspace_owner_id
    left join users u on u.id = c.user_id
    where (@all_orgs::boolean or c.organization_id = any (@orgs::uuid[]))
        and (@organization_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or c.organization_id = @organization_id)
        and (@workspace_owner::text = '' or lower(w.username) = lower(@workspace_owner))
        and (@workspace_owner_email::text = '' or lower(w.email) = lower(@workspace_owner_email))
        and (@type::text = '' or c.type = @type)
        and (@username::text = '' or lower(u.username) = lower(@username))
        and (@user_email::text = '' or lower(u.email) = lower(@user_email))
        and (sqlc.narg(connected_after)::timestamptz is null or c.connect_time >= sqlc.narg(connected_after))
        and (sqlc.narg(connected_before)::timestamptz is null or c.connect_time < sqlc.narg(connected_before))
        and (@workspace_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or c.workspace_id = @workspace_id)
        and (@connection_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or c.connection_id = @connection_id)
        and (@status::text = '' or (@status = 'ongoing') = (c.disconnect_time is null and c.connection_id is not null))
    limit @cap::integer
) as capped;
