-- name: InsertAgentScripts :exec
insert into workspace_agent_scripts (id, agent_id, ordinal, log_source_id, body)
select r.id, r.agent_id, r.ordinal, r.log_source_id, r.body
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, agent_id uuid, ordinal integer, log_source_id uuid, body jsonb);

-- name: ListAgentScripts :many
select * from workspace_agent_scripts
where agent_id = any(@agent_ids::uuid[])
order by agent_id, ordinal;

-- name: SetScriptResult :execrows
update workspace_agent_scripts set stage = @stage, status = @status, exit_code = @exit_code,
    started_at = @started_at, ended_at = @ended_at
where id = @id and agent_id = @agent_id;

-- name: SetScriptTiming :exec
insert into workspace_agent_script_timings (script_id, stage, status, exit_code, started_at, ended_at)
values (@script_id, @stage, @status, @exit_code, @started_at, @ended_at)
on conflict (script_id, stage) do update set status = excluded.status, exit_code = excluded.exit_code,
    started_at = excluded.started_at, ended_at = excluded.ended_at;

-- name: InsertAgentMetadata :exec
insert into workspace_agent_metadata (agent_id, ordinal, key, display_name, script, interval_seconds, timeout_seconds)
select r.agent_id, r.ordinal, r.key, r.display_name, r.script, r.interval, r.timeout
from jsonb_to_recordset(@rows::jsonb) as r(agent_id uuid, ordinal integer, key text, display_name text, script text,
    interval bigint, timeout bigint);

-- name: ListAgentMetadata :many
select * from workspace_agent_metadata
where agent_id = @agent_id
order by ordinal;

-- name: SetAgentMetadata :execrows
-- Values of many agents at once. Keys that a template does not declare change
-- nothing.
update workspace_agent_metadata m set value = r.value, error = r.error, collected_at = r.collected_at
from jsonb_to_recordset(@rows::jsonb) as r(agent_id uuid, key text, value text, error text, collected_at timestamptz)
where m.agent_id = r.agent_id and m.key = r.key;
