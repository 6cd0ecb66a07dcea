-- name: SetAgentMonitor :execrows
-- Zero rows where the state is the one that is stored: nothing has changed.
insert into workspace_agent_monitors as m (agent_id, path, state, used_percent)
values (@agent_id, @path, @state, @used_percent)
on conflict (agent_id, path) do update set state = excluded.state, used_percent = excluded.used_percent, changed_at = now()
where m.state <> excluded.state;

-- name: ListAgentMonitors :many
select * from workspace_agent_monitors where agent_id = @agent_id order by path;

-- name: GetAgentMonitors :one
-- What the template wants watched.
select resource_monitors from workspace_agents where id = @id;
