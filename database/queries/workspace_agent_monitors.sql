-- name: SetAgentMonitor :execrows
-- Zero rows where the state is the one that is stored: nothing has changed. What
-- has no row is ok.
insert into workspace_agent_monitors as m (agent_id, path, state, used_percent)
select @agent_id::uuid, @path::text, @state::text, @used_percent::integer
where @state::text <> 'ok' or exists (select 1 from workspace_agent_monitors o where o.agent_id = @agent_id::uuid and o.path = @path::text)
on conflict (agent_id, path) do update set state = excluded.state, used_percent = excluded.used_percent, changed_at = now()
where m.state <> excluded.state;

-- name: GetAgentMonitors :one
-- What the template wants watched.
select resource_monitors from workspace_agents where id = @id;
