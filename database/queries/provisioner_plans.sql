-- name: InsertProvisionerPlan :exec
insert into provisioner_plans (id, job_id, template_version_id, workspace_id, workspace_name, owner_id, transition, parameters, variables)
values (@id, @job_id, @template_version_id, @workspace_id, @workspace_name, @owner_id, @transition, @parameters, @variables);

-- name: GetProvisionerPlanByJob :one
select * from provisioner_plans where job_id = @job_id;

-- name: GetWorkOfPlan :one
-- All that a daemon is told about a plan. A version may have no template yet.
select sqlc.embed(p), v.organization_id, v.name as version_name, v.template_id, v.external_auth,
    coalesce(t.name, '')::text as template_name, sqlc.embed(u)
from provisioner_plans p
join template_versions v on v.id = p.template_version_id
left join templates t on t.id = v.template_id
join users u on u.id = p.owner_id
where p.id = @id;

-- name: SetProvisionerPlanChanges :execrows
update provisioner_plans set changes = @changes where id = @id;

-- name: CountUnfinishedPlans :one
select count(*)::integer from provisioner_jobs
where type = 'template_version_dry_run' and initiator_id = @initiator_id and status in ('pending', 'running', 'canceling');

-- name: DeleteOldPlans :execrows
-- A plan is of use for as long as what it looked at stays the same.
delete from provisioner_jobs where id in (
    select j.id from provisioner_jobs j
    where j.type = 'template_version_dry_run' and j.status not in ('running', 'canceling')
        and j.created_at < now() - interval '1 day'
    order by j.created_at
    limit 100);

-- name: ListVersionResourceAddresses :many
-- What the import of a version found that a start and a stop leave behind.
select r.transition, r.address from workspace_resources r
join template_versions v on v.job_id = r.job_id
where v.id = @template_version_id
order by r.transition, r.ordinal;

-- name: ListPersistentAddresses :many
-- What a stop keeps of a workspace, as the last build that succeeded left it.
select r.address from workspace_resources r
where r.persistent and r.job_id = (
    select b.job_id from workspace_builds b
    join provisioner_jobs j on j.id = b.job_id
    where b.workspace_id = @workspace_id and j.status = 'succeeded'
    order by b.build_number desc
    limit 1)
order by r.ordinal;

-- name: GetNewestGoodBuild :one
-- The last build that succeeded.
select b.* from workspace_builds b
join provisioner_jobs j on j.id = b.job_id
where b.workspace_id = @workspace_id and j.status = 'succeeded'
order by b.build_number desc
limit 1;

-- name: SetBuildGuarded :exec
update workspace_builds set guarded = true where id = @id;

-- name: SetBuildRefused :execrows
update workspace_builds set refused = true, updated_at = now() where id = @id and guarded;

-- name: NextBuildNumber :one
select (coalesce(max(build_number), 0) + 1)::integer as number from workspace_builds where workspace_id = @workspace_id;

-- name: ArchiveUnusedTemplateVersions :many
-- Versions that are not active, no living workspace runs on, and no import works
-- on. Without every, only those whose import did not succeed.
update template_versions v set archived = true, updated_at = now()
from provisioner_jobs j
where j.id = v.job_id and v.template_id = @template_id::uuid and not v.archived
    and v.id <> (select t.active_version_id from templates t where t.id = v.template_id)
    and (j.status in ('failed', 'canceled') or (@every::boolean and j.status = 'succeeded'))
    and not exists (
        select 1 from workspaces w
        join workspace_builds b on b.workspace_id = w.id
        where w.template_id = v.template_id and not w.deleted and b.template_version_id = v.id
            and b.build_number >= (select max(n.build_number) from workspace_builds n where n.workspace_id = w.id and not n.refused))
returning v.id;
