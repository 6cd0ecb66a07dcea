-- What the rest of the template language needs: presets, external providers and
-- agents, dev containers, monitors, and what a template wants of its owner.

create table template_version_presets (
    id uuid primary key,
    template_version_id uuid not null references template_versions (id) on delete cascade,
    ordinal integer not null,
    name text not null,
    description text not null default '',
    icon text not null default '',
    is_default boolean not null default false,
    desired_prebuild_instances integer,
    parameters jsonb not null default '[]', -- []api.PresetParameter
    unique (template_version_id, name)
);
create unique index template_version_presets_default on template_version_presets (template_version_id) where is_default;

alter table template_versions
    add column has_external_agent boolean not null default false,
    add column external_auth jsonb not null default '[]', -- []jobrpc.ExternalAuth
    add column workspace_tags jsonb not null default '[]', -- []jobrpc.WorkspaceTag
    -- Whether the template reads the owner's session token or SSH key.
    add column uses_owner_session boolean not null default false,
    add column uses_owner_ssh_key boolean not null default false;

alter table workspace_builds
    add column template_version_preset_id uuid references template_version_presets (id) on delete set null,
    add column has_external_agent boolean not null default false;

alter table workspace_agents
    add column devcontainers jsonb not null default '[]', -- []agentrpc.Devcontainer
    add column resource_monitors jsonb not null default '{}'; -- agentrpc.ResourceMonitors

-- The key pair by which a user's workspaces sign in to Git servers.
create table git_ssh_keys (
    user_id uuid primary key references users (id) on delete cascade,
    public_key text not null,
    private_key bytea not null, -- encrypted
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- The session of a workspace, which its template reads. It ends when the
-- workspace is stopped or deleted, and a new start makes another.
create table workspace_sessions (
    workspace_id uuid primary key references workspaces (id) on delete cascade,
    api_key_id text not null references api_keys (id) on delete cascade
);
