-- Plans: jobs that say what a build would do and change nothing.
alter table provisioner_jobs drop constraint provisioner_jobs_type_check;
alter table provisioner_jobs add constraint provisioner_jobs_type_check
    check (type in ('template_version_import', 'workspace_build', 'template_version_dry_run'));
create index provisioner_jobs_dry_runs on provisioner_jobs (created_at) where type = 'template_version_dry_run';

-- The subject of a plan job. Goes with the job.
create table provisioner_plans (
    id uuid primary key,
    job_id uuid not null references provisioner_jobs (id) on delete cascade,
    template_version_id uuid not null references template_versions (id),
    workspace_id uuid references workspaces (id), -- null: a workspace that does not exist yet
    workspace_name text not null,
    owner_id uuid not null references users (id),
    transition text not null check (transition in ('start', 'stop', 'delete')),
    parameters jsonb not null default '[]', -- []api.ParameterValue
    variables bytea, -- encrypted JSON of []api.VariableValue; null: those of the version
    changes jsonb not null default '[]' -- []api.ResourceChange
);
create unique index provisioner_plans_job on provisioner_plans (job_id);

-- Whether a stop keeps the resource.
alter table workspace_resources add column persistent boolean not null default false;

-- guarded: the daemon plans first and refuses to destroy what a stop keeps.
-- refused: it did, and nothing was changed; the build before stays the newest.
alter table workspace_builds add column guarded boolean not null default false;
alter table workspace_builds add column refused boolean not null default false;

create or replace function workspace_status(workspace uuid) returns text language sql stable as $$
    select case j.status
        when 'pending' then 'pending'
        when 'running' then case b.transition when 'start' then 'starting' when 'stop' then 'stopping' else 'deleting' end
        when 'succeeded' then case b.transition when 'start' then 'running' when 'stop' then 'stopped' else 'deleted' end
        when 'canceling' then 'canceling'
        when 'canceled' then 'canceled'
        else 'failed'
    end
    from workspace_builds b
    join provisioner_jobs j on j.id = b.job_id
    where b.workspace_id = workspace and not b.refused
    order by b.build_number desc
    limit 1
$$;
