-- name: FindWorkspacesOfApp :many
-- Workspaces of a person whose newest start has an application, for names of the first
-- release: those name no workspace.
select lower(w.name)::text as name from workspaces w
join users u on u.id = w.owner_id and not u.deleted
where lower(u.username) = @owner::text and not w.deleted and exists (
    select from workspace_agents a join workspace_apps p on p.agent_id = a.id
    where p.slug = @slug::text and a.workspace_build_id = (
        select b.id from workspace_builds b join provisioner_jobs j on j.id = b.job_id
        where b.workspace_id = w.id and b.transition = 'start' and j.status = 'succeeded'
        order by b.build_number desc limit 1))
order by w.name
limit @max_rows;

-- name: FindJoinedWorkspaces :many
-- Which of some pairs of names there are.
select u.username as owner, w.name as workspace
from (select unnest(@owners::text[]) as owner, unnest(@workspaces::text[]) as workspace) n
join users u on lower(u.username) = n.owner and not u.deleted
join workspaces w on w.owner_id = u.id and lower(w.name) = n.workspace and not w.deleted
order by u.username, w.name
limit @max_rows;
