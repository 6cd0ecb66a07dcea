-- The server processes of the deployment. Each has a row of its own from its start
-- on; times are those of the database. A replica lives as long as its beat changes.
create table replicas (
    id uuid primary key,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(), -- of the last beat
    stopped_at timestamptz, -- null while it lives
    beat bigint not null,
    hostname text not null,
    version text not null,
    relay_url text not null, -- where the others reach its relay; empty for none
    relay_key text not null, -- public node key of its relay; empty for none
    region_id integer not null,
    database_latency_us integer not null,
    error text not null, -- what it finds wrong with its way to the others
    latencies jsonb not null -- microseconds to the relays of the others, by id
);
