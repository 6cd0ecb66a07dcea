-- name: InsertAgentLogSources :exec
insert into workspace_agent_log_sources (id, agent_id, display_name, icon)
select r.id, r.agent_id, r.display_name, r.icon
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, agent_id uuid, display_name text, icon text)
on conflict (agent_id, id) do nothing;

-- name: ListAgentLogSources :many
select id, agent_id, display_name, icon, created_at from workspace_agent_log_sources
where agent_id = any(@agent_ids::uuid[])
order by agent_id, created_at, id;

-- name: TakeLogBatch :execrows
-- Claims a batch of a source; zero rows when the same batch came before.
update workspace_agent_log_sources set last_batch = @batch
where agent_id = @agent_id and id = @id and last_batch <> @batch;

-- name: HasLogSource :one
select exists (select 1 from workspace_agent_log_sources where agent_id = @agent_id and id = @id)::boolean as found;

-- name: LockAgentLogs :one
select logs_length, logs_overflowed from workspace_agents where id = @id for update;

-- name: SetAgentLogsLength :exec
update workspace_agents set logs_length = @logs_length, logs_overflowed = @logs_overflowed where id = @id;

-- name: InsertAgentLogs :exec
insert into workspace_agent_logs (agent_id, source_id, created_at, level, output)
select @agent_id::uuid, @source_id::uuid, unnest(@created_ats::timestamptz[]), unnest(@levels::text[]), unnest(@outputs::text[]);

-- name: ListAgentLogs :many
select * from workspace_agent_logs
where agent_id = @agent_id and id > @after_id and (@before_id::bigint = 0 or id < @before_id::bigint)
order by id
limit @max_rows;
