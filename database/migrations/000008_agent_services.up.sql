-- How each script went at its last start, stop and scheduled run: a shutdown or a
-- cron run must not hide how long the start took.
create table workspace_agent_script_timings (
    script_id uuid not null references workspace_agent_scripts (id) on delete cascade,
    stage text not null, -- start, stop, cron
    status text not null,
    exit_code integer not null,
    started_at timestamptz not null, -- reported
    ended_at timestamptz not null, -- reported
    primary key (script_id, stage)
);

-- The state of what an agent watches on its machine. A resource without a row has
-- not been reported; it counts as ok.
create table workspace_agent_monitors (
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    path text not null, -- of the volume; empty for the memory
    state text not null, -- ok, nok
    used_percent integer not null,
    changed_at timestamptz not null default now(),
    primary key (agent_id, path)
);
