-- name: LockQuota :exec
-- Builds of one owner in one organization are admitted one after another.
select pg_advisory_xact_lock(hashtextextended(@key::text, 0));

-- name: GetQuotaBudget :one
-- What a user may spend in an organization: the allowances of their groups and of
-- everyone's, whose id is the organization's. An organization without any
-- allowance has no limits.
select coalesce(sum(g.quota_allowance) filter (where exists (
        select 1 from organization_members o where o.organization_id = g.organization_id and o.user_id = @user_id
    ) and (g.id = g.organization_id or exists (
        select 1 from group_members m where m.group_id = g.id and m.user_id = @user_id
    ))), 0)::bigint as budget,
    coalesce(bool_or(g.quota_allowance > 0), false)::boolean as limited
from groups g
where g.organization_id = @organization_id;

-- name: SumQuotaConsumed :one
-- What the workspaces of a user cost in an organization, one of them left out.
select coalesce(sum(b.daily_cost), 0)::bigint as consumed
from workspaces w
join lateral (
    select daily_cost from workspace_builds
    where workspace_id = w.id and not refused
    order by build_number desc
    limit 1
) b on true
where w.owner_id = @user_id and w.organization_id = @organization_id and not w.deleted and w.id <> @except_id;

-- name: GetQuotaOfBuild :one
-- before is what the workspace cost when the build began.
select b.id, b.workspace_id, b.daily_cost, w.owner_id, w.organization_id,
    coalesce((select p.daily_cost from workspace_builds p
        where p.workspace_id = b.workspace_id and p.build_number < b.build_number and not p.refused
        order by p.build_number desc
        limit 1), 0)::integer as before
from workspace_builds b
join workspaces w on w.id = b.workspace_id
where b.id = @id;

-- name: RefuseBuild :execrows
-- A build that changed nothing; the one before it counts. The first one stays.
update workspace_builds b set refused = true, updated_at = now()
where b.id = @id and exists (
    select 1 from workspace_builds p where p.workspace_id = b.workspace_id and p.build_number < b.build_number and not p.refused);
