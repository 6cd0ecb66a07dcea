-- name: InsertWorkspaceResources :exec
-- rows is a JSON array; created with the job's resources, all at once.
insert into workspace_resources (id, job_id, ordinal, transition, type, name, address, hide, icon, daily_cost, metadata, persistent)
select r.id, @job_id::uuid, r.ordinal, @transition::text, r.type, r.name, r.address, r.hide, r.icon, r.daily_cost, r.metadata, coalesce(r.persistent, false)
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, ordinal integer, type text, name text, address text,
    hide boolean, icon text, daily_cost integer, metadata jsonb, persistent boolean);

-- name: ListWorkspaceResources :many
-- Of the jobs kept by KeepNewestBuilds, or of those given.
select r.* from unnest(case when @kept::boolean then nullif(current_setting('coder.jobs', true), '')::uuid[] else @job_ids::uuid[] end) as j(id)
join workspace_resources r on r.job_id = j.id
order by r.job_id, r.ordinal;
