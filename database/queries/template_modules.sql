-- name: PutTemplateModules :exec
insert into template_modules (hash, data) values (@hash, @data)
on conflict (hash) do update set used_at = now();

-- name: SetProvisionerJobModules :execrows
update provisioner_jobs set modules_hash = @hash::text, updated_at = now()
where id = @id and attempt = @attempt and status in ('running', 'canceling');

-- name: GetModulesHashOfJob :one
-- The modules of the version that a build or a plan is for.
select i.modules_hash::text as hash
from provisioner_jobs j
left join workspace_builds b on b.job_id = j.id
left join provisioner_plans p on p.job_id = j.id
join template_versions v on v.id = coalesce(b.template_version_id, p.template_version_id)
join provisioner_jobs i on i.id = v.job_id
where j.id = @id and i.status = 'succeeded' and i.modules_hash is not null;

-- name: GetProvisionerJobModulesPart :one
-- A part of these modules, for the attempt that runs.
select substring(m.data from @start::integer for @size::integer)::bytea as part, length(m.data)::integer as total
from provisioner_jobs j
left join workspace_builds b on b.job_id = j.id
left join provisioner_plans p on p.job_id = j.id
join template_versions v on v.id = coalesce(b.template_version_id, p.template_version_id)
join provisioner_jobs i on i.id = v.job_id
join template_modules m on m.hash = i.modules_hash
where j.id = @id and j.attempt = @attempt and j.status in ('running', 'canceling') and i.status = 'succeeded';

-- name: DeleteUnusedTemplateModules :execrows
-- Modules of versions whose template is deleted, or whose import came to nothing.
-- What was brought within the last hour stays: its import may be under way.
delete from template_modules m
where m.used_at < now() - interval '1 hour' and not exists (
    select 1 from provisioner_jobs j
    left join template_versions v on v.job_id = j.id
    left join templates t on t.id = v.template_id
    where j.modules_hash = m.hash and j.status not in ('failed', 'canceled') and not coalesce(t.deleted, false));
