-- External provisioner daemons: their keys, and who holds which attempt.

create table provisioner_keys (
    id uuid primary key,
    organization_id uuid not null references organizations (id),
    name text not null,
    -- What every daemon with this key carries, the implied tags included.
    tags jsonb not null,
    hashed_secret bytea not null unique, -- SHA-256
    created_at timestamptz not null default now()
);
create unique index provisioner_keys_name on provisioner_keys (organization_id, lower(name));

-- key_name is the name of a key, or "built-in", "psk" or "user-auth"; key_id is
-- set for keys alone. Rows outlive their key.
alter table provisioner_daemons add column key_id uuid;
alter table provisioner_daemons add column key_name text not null default 'built-in';

-- Which credential and daemon each attempt was given to: attempt number → text.
alter table provisioner_jobs add column holders jsonb not null default '{}';
-- The id of the request that acquired the running attempt. A request that is sent
-- again, because its answer was lost, gets the same attempt.
alter table provisioner_jobs add column acquire_id uuid;
create index provisioner_jobs_acquire on provisioner_jobs (acquire_id) where acquire_id is not null and status = 'running';
create index provisioner_jobs_worker on provisioner_jobs (worker_id, started_at) where worker_id is not null;
create index provisioner_jobs_list on provisioner_jobs (organization_id, created_at desc, id desc);
create index provisioner_jobs_recent on provisioner_jobs (organization_id, completed_at desc) where status = 'succeeded';
