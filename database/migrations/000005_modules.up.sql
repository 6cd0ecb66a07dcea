-- The Terraform modules that imports have fetched, each archive once.
create table template_modules (
    hash text primary key, -- hex SHA-256 of data
    data bytea not null, -- a compressed tar
    used_at timestamptz not null default now() -- when an import brought it last
);
alter table template_modules alter column data set storage external; -- it is compressed already

-- What the running or last attempt of an import brought.
alter table provisioner_jobs add column modules_hash text references template_modules (hash) on delete set null;
create index provisioner_jobs_modules on provisioner_jobs (modules_hash) where modules_hash is not null;
