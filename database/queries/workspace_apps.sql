-- name: InsertWorkspaceApps :exec
insert into workspace_apps (id, agent_id, ordinal, slug, body, health)
select r.id, r.agent_id, r.ordinal, r.slug, r.body, r.health
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, agent_id uuid, ordinal integer, slug text, body jsonb, health text);

-- name: ListWorkspaceApps :many
select * from workspace_apps
where agent_id = any(@agent_ids::uuid[])
order by agent_id, ordinal;

-- name: SetAppHealths :execrows
-- Apps of this agent only, and only those that have a health check.
update workspace_apps a set health = r.health
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, health text)
where a.id = r.id and a.agent_id = @agent_id::uuid and a.health <> 'disabled' and a.health <> r.health;
