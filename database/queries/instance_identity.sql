-- name: ListAgentsByInstance :many
-- The agents of running builds that a machine's id names, with whether one is
-- connected now. Locked, so that two exchanges come one after another.
select a.id, a.name, w.id as workspace_id, w.name as workspace_name, w.organization_id, w.owner_id,
    (a.last_connected_at is not null and a.disconnected_at is null
        and a.last_connected_at > now() - make_interval(secs => @stale_seconds::float8))::boolean as connected
from workspace_agents a
join workspace_builds b on b.id = a.workspace_build_id
join workspaces w on w.id = b.workspace_id
where a.auth_instance_id = @instance_id and a.auth_instance_id <> '' and not w.deleted and b.transition = 'start'
    and not exists (select 1 from workspace_builds n join provisioner_jobs j on j.id = n.job_id
        where n.workspace_id = w.id and n.build_number > b.build_number and j.status = 'succeeded')
order by a.ordinal, a.id
limit 100
for update of a;

-- name: SetAgentToken :exec
update workspace_agents set auth_token_hash = @token_hash, updated_at = now() where id = @id;
