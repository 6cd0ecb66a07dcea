-- The minutes in which people who are signed in used applications in browsers. Two
-- replicas that see the same minute write one row.
create table application_usage (
    minute timestamptz not null, -- its start
    workspace_id uuid not null references workspaces (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    slug_or_port text not null,
    access_form text not null check (access_form in ('path', 'subdomain')),
    primary key (minute, workspace_id, user_id, slug_or_port, access_form)
);
