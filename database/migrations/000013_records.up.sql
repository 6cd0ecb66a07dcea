-- Records: quotas, the audit log made unchangeable, the connection log.

-- Groups are owned by a neighbour; here they carry what their members may spend.
create table if not exists groups (
    id uuid primary key,
    organization_id uuid not null references organizations (id) on delete cascade,
    name text not null,
    display_name text not null default '',
    avatar_url text not null default '',
    quota_allowance integer not null default 0,
    source text not null default 'user',
    created_at timestamptz not null default now(),
    unique (organization_id, name)
);
create table if not exists group_members (
    user_id uuid not null references users (id) on delete cascade,
    group_id uuid not null references groups (id) on delete cascade,
    primary key (user_id, group_id)
);
create index workspaces_owner_organization on workspaces (owner_id, organization_id) where not deleted;

create index audit_logs_resource on audit_logs (resource_id, "time" desc);
create index audit_logs_user on audit_logs (user_id, "time" desc);
create index audit_logs_organization on audit_logs (organization_id, "time" desc);
create index audit_logs_request on audit_logs (request_id);

-- Entries are written once. Only the transaction of the retention may delete.
create function audit_logs_refuse() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('coder.audit_retention', true) = 'on' then
        return old;
    end if;
    raise exception 'audit entries are never changed' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_logs_write_once before update or delete on audit_logs
    for each row execute function audit_logs_refuse();
create trigger audit_logs_keep before truncate on audit_logs
    for each statement execute function audit_logs_refuse();

-- Who was connected to what, from when to when. Rows outlive what they name.
create table connection_logs (
    id uuid primary key,
    connect_time timestamptz not null default now(),
    organization_id uuid not null,
    workspace_owner_id uuid not null,
    workspace_id uuid not null,
    workspace_name text not null,
    agent_name text not null,
    type text not null check (type in ('ssh', 'vscode', 'jetbrains', 'reconnecting_pty', 'workspace_app', 'port_forwarding')),
    ip text not null default '',
    -- The exit code of a session, or the status of what a browser asked for.
    code integer,
    -- Who a browser belonged to; zero where the agent reports.
    user_id uuid not null default '00000000-0000-0000-0000-000000000000',
    user_agent text not null default '',
    slug_or_port text not null default '',
    -- What names a connection that can end. Null for one that is only an opening.
    connection_id uuid,
    agent_id uuid,
    disconnect_time timestamptz,
    disconnect_reason text not null default ''
);
create unique index connection_logs_connection on connection_logs (connection_id, workspace_id, agent_name, type, user_id)
    where connection_id is not null;
create index connection_logs_time on connection_logs (connect_time desc, id desc);
create index connection_logs_workspace on connection_logs (workspace_id, connect_time desc);
create index connection_logs_owner on connection_logs (workspace_owner_id, connect_time desc);
create index connection_logs_open on connection_logs (agent_id) where disconnect_time is null and connection_id is not null;
