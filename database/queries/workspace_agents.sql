-- name: InsertWorkspaceAgents :exec
insert into workspace_agents (id, resource_id, workspace_build_id, ordinal, name, auth_token_hash, auth_instance_id,
    operating_system, architecture, directory, motd_file, environment_variables, connection_timeout_seconds,
    troubleshooting_url, startup_script_behavior, api_key_scope, display_apps, devcontainers, resource_monitors)
select r.id, r.resource_id, sqlc.narg(build_id)::uuid, r.ordinal, r.name, decode(nullif(r.token_hash, ''), 'hex'), r.instance_id,
    r.os, r.arch, r.dir, r.motd_file, r.env, r.timeout, r.troubleshooting_url, r.startup_script_behavior,
    r.api_key_scope, array(select jsonb_array_elements_text(r.display_apps)), r.devcontainers, r.monitors
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, resource_id uuid, ordinal integer, name text, token_hash text,
    instance_id text, os text, arch text, dir text, motd_file text, env jsonb, timeout integer,
    troubleshooting_url text, startup_script_behavior text, api_key_scope text, display_apps jsonb,
    devcontainers jsonb, monitors jsonb);

-- name: ListAgentsOfJobs :many
-- Agents as they are shown with their parts, each a JSON object, and the database's
-- time, by which an agent's state is judged; only_id narrows to one of them. The jobs
-- are those kept by KeepNewestBuilds, or those given. Parts are not in order: most
-- agents of a page have few, and a sort costs more than they do.
select a.id, a.resource_id, a.parent_id, a.name, a.auth_instance_id, a.operating_system, a.architecture, a.directory,
    a.expanded_directory, a.environment_variables, a.connection_timeout_seconds, a.troubleshooting_url,
    a.startup_script_behavior, a.display_apps, a.version, a.subsystems, a.lifecycle_state, a.logs_length, a.logs_overflowed,
    a.first_connected_at, a.last_connected_at, a.disconnected_at, a.started_at, a.ready_at, a.created_at, a.updated_at,
    array(
        select jsonb_build_object('ordinal', p.ordinal, 'id', p.id, 'body', p.body, 'health', p.health)::text
        from workspace_apps p where p.agent_id = a.id
    )::text[] as apps,
    array(
        select jsonb_build_object('ordinal', s.ordinal, 'id', s.id, 'log_source_id', s.log_source_id, 'body', s.body,
            'status', s.status, 'exit_code', s.exit_code)::text
        from workspace_agent_scripts s where s.agent_id = a.id
    )::text[] as scripts,
    array(
        select jsonb_build_object('id', l.id, 'display_name', l.display_name, 'icon', l.icon, 'created_at', l.created_at)::text
        from workspace_agent_log_sources l where l.agent_id = a.id
    )::text[] as log_sources,
    coalesce((select g.relays from workspace_agent_usage g where g.agent_id = a.id), '{}')::jsonb as relays,
    now()::timestamptz as db_now
from unnest(case when @kept::boolean then nullif(current_setting('coder.jobs', true), '')::uuid[] else @job_ids::uuid[] end) as j(id)
join workspace_resources r on r.job_id = j.id
join workspace_agents a on a.resource_id = r.id
where (sqlc.narg(only_id)::uuid is null or a.id = sqlc.narg(only_id)::uuid)
order by a.resource_id, a.ordinal;

-- name: GetWorkspaceAgent :one
select sqlc.embed(a), b.id as build_id, b.job_id, w.id as workspace_id, w.name as workspace_name, w.owner_id, w.organization_id, w.acl as workspace_acl,
    u.username as owner_name, now()::timestamptz as db_now
from workspace_agents a
join workspace_builds b on b.id = a.workspace_build_id
join workspaces w on w.id = b.workspace_id
join users u on u.id = w.owner_id
where a.id = @id and not w.deleted;

-- name: GetAgentByToken :one
-- The agent behind a token: only of a start that no later build has replaced. A
-- build replaces it by succeeding; until then the agent has things to report.
select a.id, a.name, b.id as build_id, w.id as workspace_id, w.owner_id
from workspace_agents a
join workspace_builds b on b.id = a.workspace_build_id
join workspaces w on w.id = b.workspace_id
where a.auth_token_hash = @token_hash and not w.deleted and b.transition = 'start'
    and not exists (select 1 from workspace_builds n join provisioner_jobs j on j.id = n.job_id
        where n.workspace_id = w.id and n.build_number > b.build_number and j.status = 'succeeded')
limit 1;

-- name: GetAnnouncedJob :one
-- The build that announced a token and is not done.
select j.id from provisioner_job_agent_tokens t
join provisioner_jobs j on j.id = t.job_id
where t.token_hash = @token_hash and j.status in ('pending', 'running', 'canceling');

-- name: AnyBuildRunning :one
select exists (select 1 from provisioner_jobs
    where type = 'workspace_build' and status in ('running', 'canceling'))::boolean as running;

-- name: ConnectAgent :execrows
update workspace_agents set connection_id = @connection_id, first_connected_at = coalesce(first_connected_at, now()),
    last_connected_at = now(), disconnected_at = null, updated_at = now()
where id = @id;

-- name: TouchAgent :execrows
-- Only the current connection may write.
update workspace_agents set last_connected_at = now()
where id = @id and connection_id = @connection_id;

-- name: DisconnectAgent :execrows
update workspace_agents set last_connected_at = now(), disconnected_at = now(), updated_at = now()
where id = @id and connection_id = @connection_id;

-- name: SetAgentStartup :exec
update workspace_agents set version = @version, expanded_directory = @expanded_directory,
    subsystems = @subsystems, updated_at = now()
where id = @id;

-- name: SetAgentLifecycle :execrows
-- from_states are the states that may come before.
update workspace_agents set lifecycle_state = @state::text,
    started_at = case when @state::text = 'starting' then now() else started_at end,
    ready_at = case
        when @state::text in ('ready', 'start_error', 'start_timeout') then now()
        when @state::text in ('created', 'starting') then null
        else ready_at end,
    updated_at = now()
where id = @id and lifecycle_state = any(@from_states::text[]);

-- name: GetAgentLifecycle :one
select lifecycle_state from workspace_agents where id = @id;

-- name: IsAgentCurrent :one
-- Whether no later build of a living workspace has replaced the agent's.
select exists (
    select 1 from workspace_agents a
    join workspace_builds b on b.id = a.workspace_build_id
    join workspaces w on w.id = b.workspace_id
    where a.id = @id and not w.deleted and b.transition = 'start'
        and not exists (select 1 from workspace_builds n join provisioner_jobs j on j.id = n.job_id
            where n.workspace_id = w.id and n.build_number > b.build_number and j.status = 'succeeded')
)::boolean as current;

-- name: CommitLazily :exec
-- For a transaction whose loss in a crash heals by itself: its commit does not wait
-- for the disk. Commits that notify come one after another, so that without this
-- each of a thousand agents that come back at once would wait for all disk writes
-- before its own.
select set_config('synchronous_commit', 'off', true);
