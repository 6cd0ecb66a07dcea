-- The first schema. Times are UTC and come from the database's clock unless a
-- column says "reported". Text that we compare without case is compared with
-- lower(). States are changed by conditional updates only.

create table site_configs (
    key text primary key,
    value text not null
);

create table leases (
    name text primary key,
    holder uuid not null,
    term bigint not null,
    expires_at timestamptz not null
);

-- People -------------------------------------------------------------------

create table organizations (
    id uuid primary key,
    name text not null,
    display_name text not null default '',
    description text not null default '',
    icon text not null default '',
    is_default boolean not null default false,
    deleted boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index organizations_name on organizations (lower(name)) where not deleted;
create unique index organizations_default on organizations (is_default) where is_default;

create table users (
    id uuid primary key,
    username text not null,
    name text not null default '',
    email text not null default '',
    avatar_url text not null default '',
    status text not null default 'active' check (status in ('active', 'dormant', 'suspended')),
    login_type text not null default 'password' check (login_type in ('password', 'github', 'oidc', 'token', 'none')),
    password_hash text not null default '',
    roles text[] not null default '{}',
    is_service_account boolean not null default false,
    theme_preference text not null default '',
    deleted boolean not null default false,
    last_seen_at timestamptz not null default '0001-01-01 00:00:00+00',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index users_username on users (lower(username)) where not deleted;
create unique index users_email on users (lower(email)) where not deleted and email <> '';

create table organization_members (
    organization_id uuid not null references organizations (id),
    user_id uuid not null references users (id),
    roles text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (organization_id, user_id)
);
create index organization_members_user on organization_members (user_id);

-- Sessions and API tokens. The id is the public half of the key, the secret
-- half is stored as SHA-256 only.
create table api_keys (
    id text primary key,
    hashed_secret bytea not null,
    user_id uuid not null references users (id),
    login_type text not null,
    token_name text not null default '',
    scopes text[] not null default '{all}',
    ip text not null default '',
    lifetime_seconds bigint not null,
    last_used timestamptz not null default now(),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index api_keys_user on api_keys (user_id);
create unique index api_keys_token_name on api_keys (user_id, token_name) where login_type = 'token';

-- Login attempts that failed or have not ended yet, counted for all replicas
-- together. Subjects are hashes: people type passwords into the wrong field.
create table login_failures (
    id bigint generated always as identity primary key,
    subject text not null,
    at timestamptz not null default now()
);
create index login_failures_subject on login_failures (subject, at);
create index login_failures_at on login_failures (at);

-- Where a user has signed in from. Strangers' failures do not count there.
create table login_sources (
    user_id uuid not null references users (id) on delete cascade,
    source text not null,
    at timestamptz not null default now(),
    primary key (user_id, source)
);

create table audit_logs (
    id uuid primary key,
    "time" timestamptz not null default now(),
    user_id uuid,
    username text not null default '',
    organization_id uuid,
    ip text not null default '',
    user_agent text not null default '',
    request_id uuid,
    resource_type text not null,
    resource_id uuid not null,
    resource_target text not null default '',
    action text not null,
    status_code integer not null default 0,
    diff jsonb not null default '{}',
    additional_fields jsonb not null default '{}'
);
create index audit_logs_time on audit_logs ("time" desc, id desc);

-- Templates ----------------------------------------------------------------

create table files (
    id uuid primary key,
    hash text not null,
    mimetype text not null,
    data bytea not null,
    created_by uuid not null references users (id),
    created_at timestamptz not null default now()
);
create unique index files_hash on files (hash, created_by);

create table templates (
    id uuid primary key,
    organization_id uuid not null references organizations (id),
    name text not null,
    display_name text not null default '',
    description text not null default '',
    icon text not null default '',
    provisioner text not null default 'terraform',
    active_version_id uuid not null,
    deprecation_message text not null default '',
    default_ttl_ms bigint not null default 0,
    allow_user_cancel_workspace_jobs boolean not null default true,
    require_active_version boolean not null default false,
    created_by uuid not null references users (id),
    deleted boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index templates_name on templates (organization_id, lower(name)) where not deleted;

create table provisioner_daemons (
    id uuid primary key,
    organization_id uuid not null references organizations (id),
    name text not null,
    version text not null default '',
    api_version text not null default '',
    provisioners text[] not null default '{terraform}',
    tags jsonb not null default '{}',
    created_at timestamptz not null default now(),
    last_seen_at timestamptz,
    unique (organization_id, name)
);

-- One job is one piece of work for a daemon. States:
--   pending → running → succeeded | failed
--      |         └→ canceling → canceled | succeeded | failed
--      └→ canceled            running → pending when an attempt is lost
create table provisioner_jobs (
    id uuid primary key,
    organization_id uuid not null references organizations (id),
    initiator_id uuid not null references users (id),
    type text not null check (type in ('template_version_import', 'workspace_build')),
    status text not null default 'pending'
        check (status in ('pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed')),
    file_id uuid not null references files (id),
    tags jsonb not null default '{}',
    -- The object that the job works for: a template version or a workspace build.
    subject_id uuid not null,
    attempt integer not null default 0,
    worker_id uuid,
    worker_name text not null default '',
    lease_expires_at timestamptz,
    error text not null default '',
    error_code text not null default '',
    force_cancel boolean not null default false,
    state_serial bigint not null default 0,
    log_offset integer not null default 0,
    logs_length integer not null default 0,
    logs_overflowed boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    canceled_at timestamptz,
    completed_at timestamptz
);
create index provisioner_jobs_pending on provisioner_jobs (created_at) where status = 'pending';
create index provisioner_jobs_leased on provisioner_jobs (lease_expires_at) where status in ('running', 'canceling');
create index provisioner_jobs_subject on provisioner_jobs (subject_id);

create table provisioner_job_logs (
    id bigint generated always as identity primary key,
    job_id uuid not null references provisioner_jobs (id) on delete cascade,
    created_at timestamptz not null, -- reported
    source text not null,
    level text not null,
    stage text not null,
    output text not null
);
create index provisioner_job_logs_job on provisioner_job_logs (job_id, id);

-- Agent tokens that a running build has announced, as SHA-256. They admit
-- nobody; a request with one of them waits for the build instead of failing.
create table provisioner_job_agent_tokens (
    token_hash bytea primary key,
    job_id uuid not null references provisioner_jobs (id) on delete cascade
);
create index provisioner_job_agent_tokens_job on provisioner_job_agent_tokens (job_id);

-- What attempts brought after they were over. Kept for people, never applied.
create table provisioner_job_strays (
    id uuid primary key,
    job_id uuid not null references provisioner_jobs (id) on delete cascade,
    attempt integer not null,
    kind text not null,
    payload bytea not null, -- encrypted
    created_at timestamptz not null default now()
);

create table template_versions (
    id uuid primary key,
    template_id uuid references templates (id),
    organization_id uuid not null references organizations (id),
    name text not null,
    message text not null default '',
    readme text not null default '',
    job_id uuid not null references provisioner_jobs (id),
    file_id uuid not null references files (id),
    archived boolean not null default false,
    created_by uuid not null references users (id),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index template_versions_name on template_versions (template_id, lower(name)) where template_id is not null;
create index template_versions_template on template_versions (template_id, created_at);

create table template_version_variables (
    template_version_id uuid not null references template_versions (id) on delete cascade,
    ordinal integer not null,
    name text not null,
    description text not null default '',
    type text not null,
    value text not null default '', -- encrypted where sensitive
    default_value text not null default '',
    required boolean not null default false,
    sensitive boolean not null default false,
    primary key (template_version_id, name)
);

-- Values given at push, before the import says what they are. Encrypted JSON.
create table template_version_inputs (
    template_version_id uuid primary key references template_versions (id) on delete cascade,
    variables bytea not null
);

create table template_version_parameters (
    template_version_id uuid not null references template_versions (id) on delete cascade,
    ordinal integer not null,
    name text not null,
    body jsonb not null, -- api.TemplateVersionParameter
    primary key (template_version_id, name)
);

-- Workspaces ---------------------------------------------------------------

create table workspaces (
    id uuid primary key,
    organization_id uuid not null references organizations (id),
    owner_id uuid not null references users (id),
    template_id uuid not null references templates (id),
    name text not null,
    autostart_schedule text,
    ttl_ms bigint,
    automatic_updates text not null default 'never',
    deleted boolean not null default false,
    last_used_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index workspaces_name on workspaces (owner_id, lower(name)) where not deleted;
create index workspaces_template on workspaces (template_id) where not deleted;
create index workspaces_list on workspaces (last_used_at desc, id) where not deleted;

create table workspace_builds (
    id uuid primary key,
    workspace_id uuid not null references workspaces (id),
    template_version_id uuid not null references template_versions (id),
    build_number integer not null,
    transition text not null check (transition in ('start', 'stop', 'delete')),
    reason text not null default 'initiator',
    initiator_id uuid not null references users (id),
    job_id uuid not null references provisioner_jobs (id),
    debug boolean not null default false,
    daily_cost integer not null default 0,
    deadline timestamptz,
    max_deadline timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (workspace_id, build_number)
);
create index workspace_builds_job on workspace_builds (job_id);

-- terraform.tfstate of a build, encrypted. Apart from the builds, so that
-- reading builds never reads states. A build without a row has no state yet.
create table workspace_build_states (
    workspace_build_id uuid primary key references workspace_builds (id) on delete cascade,
    state bytea not null,
    updated_at timestamptz not null default now()
);

create table workspace_build_parameters (
    workspace_build_id uuid not null references workspace_builds (id) on delete cascade,
    name text not null,
    value text not null,
    primary key (workspace_build_id, name)
);

-- Resources of imports (previews) and builds.
create table workspace_resources (
    id uuid primary key,
    job_id uuid not null references provisioner_jobs (id) on delete cascade,
    ordinal integer not null,
    transition text not null,
    type text not null,
    name text not null,
    address text not null default '',
    hide boolean not null default false,
    icon text not null default '',
    daily_cost integer not null default 0,
    metadata jsonb not null default '[]', -- []api.WorkspaceResourceMetadata
    created_at timestamptz not null default now()
);
create index workspace_resources_job on workspace_resources (job_id, ordinal);

create table workspace_agents (
    id uuid primary key,
    resource_id uuid not null references workspace_resources (id) on delete cascade,
    parent_id uuid references workspace_agents (id) on delete cascade,
    -- Null for agents of import previews.
    workspace_build_id uuid references workspace_builds (id) on delete cascade,
    ordinal integer not null,
    name text not null,
    auth_token_hash bytea,
    auth_instance_id text not null default '',
    operating_system text not null,
    architecture text not null,
    directory text not null default '',
    expanded_directory text not null default '',
    motd_file text not null default '',
    environment_variables jsonb not null default '{}',
    connection_timeout_seconds integer not null default 120,
    troubleshooting_url text not null default '',
    startup_script_behavior text not null default 'non-blocking',
    api_key_scope text not null default 'all',
    display_apps text[] not null default '{}',
    version text not null default '',
    subsystems text[] not null default '{}',
    lifecycle_state text not null default 'created',
    logs_length integer not null default 0,
    logs_overflowed boolean not null default false,
    -- Which connection is the current one: only it may write the times below.
    connection_id uuid,
    first_connected_at timestamptz,
    last_connected_at timestamptz,
    disconnected_at timestamptz,
    started_at timestamptz,
    ready_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index workspace_agents_resource on workspace_agents (resource_id);
create index workspace_agents_build on workspace_agents (workspace_build_id);
create index workspace_agents_token on workspace_agents (auth_token_hash);

create table workspace_apps (
    id uuid primary key,
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    ordinal integer not null,
    slug text not null,
    body jsonb not null, -- api.WorkspaceApp without id and health
    health text not null default 'disabled',
    unique (agent_id, slug)
);

create table workspace_agent_log_sources (
    id uuid not null,
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    display_name text not null,
    icon text not null default '',
    -- SHA-256 of the last batch taken: the same batch sent again is dropped.
    last_batch bytea not null default '',
    created_at timestamptz not null default now(),
    primary key (agent_id, id)
);

create table workspace_agent_scripts (
    id uuid primary key,
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    ordinal integer not null,
    log_source_id uuid not null,
    body jsonb not null, -- api.AgentScript without ids and results
    -- The last run, as reported.
    stage text not null default '',
    status text not null default '',
    exit_code integer,
    started_at timestamptz,
    ended_at timestamptz
);
create index workspace_agent_scripts_agent on workspace_agent_scripts (agent_id);

create table workspace_agent_logs (
    id bigint generated always as identity primary key,
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    source_id uuid not null,
    created_at timestamptz not null, -- reported
    level text not null,
    output text not null
);
create index workspace_agent_logs_agent on workspace_agent_logs (agent_id, id);

create table workspace_agent_metadata (
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    ordinal integer not null,
    key text not null,
    display_name text not null default '',
    script text not null,
    interval_seconds bigint not null,
    timeout_seconds bigint not null,
    value text not null default '',
    error text not null default '',
    collected_at timestamptz, -- reported
    primary key (agent_id, key)
);

create table workspace_build_timings (
    job_id uuid not null references provisioner_jobs (id) on delete cascade,
    stage text not null,
    source text not null,
    action text not null,
    resource text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null
);
create index workspace_build_timings_job on workspace_build_timings (job_id);

-- The state of a workspace as people see it; api.StatusOf says the same in Go.
create function workspace_status(workspace uuid) returns text language sql stable as $$
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
    where b.workspace_id = workspace
    order by b.build_number desc
    limit 1
$$;
