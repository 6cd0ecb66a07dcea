-- Applications in browsers: keys that sign what lets somebody in, and what ports
-- and templates share.

-- Keys that sign tickets and sessions of applications. Each signs for a while and
-- is then only read, until nothing signed with it is left.
create table signing_keys (
    id integer generated always as identity primary key,
    purpose text not null,
    secret bytea not null, -- sealed
    created_at timestamptz not null default now()
);
create index signing_keys_purpose on signing_keys (purpose, created_at);

-- Tickets that have been used. A row may go once its ticket has expired.
create table app_tickets_used (
    id uuid primary key,
    expires_at timestamptz not null
);
create index app_tickets_used_expiry on app_tickets_used (expires_at);

create table workspace_port_shares (
    workspace_id uuid not null references workspaces (id) on delete cascade,
    agent_name text not null,
    port integer not null check (port between 9 and 65535),
    share_level text not null check (share_level in ('owner', 'organization', 'authenticated', 'public')),
    protocol text not null default 'http' check (protocol in ('http', 'https')),
    primary key (workspace_id, agent_name, port)
);

-- The widest level that ports of workspaces may be shared with, and who answers
-- questions of browsers about other origins.
alter table templates add column max_port_share_level text not null default 'public'
    check (max_port_share_level in ('owner', 'organization', 'authenticated', 'public'));
alter table templates add column cors_behavior text not null default 'simple'
    check (cors_behavior in ('simple', 'passthru'));
