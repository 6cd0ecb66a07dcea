-- name: CountWorkspacesByStatus :one
-- How many workspaces stand where, by their newest build that was not refused.
select
    count(*) filter (where s.status = 'pending')::bigint as pending,
    count(*) filter (where s.status in ('running', 'canceling'))::bigint as building,
    count(*) filter (where s.status = 'succeeded' and s.transition = 'start')::bigint as running,
    count(*) filter (where s.status = 'succeeded' and s.transition = 'stop')::bigint as stopped,
    count(*) filter (where s.status in ('failed', 'canceled'))::bigint as failed
from (
    select distinct on (b.workspace_id) j.status, b.transition
    from workspace_builds b
    join workspaces w on w.id = b.workspace_id and not w.deleted
    join provisioner_jobs j on j.id = b.job_id
    where not b.refused
    order by b.workspace_id, b.build_number desc
) s;
