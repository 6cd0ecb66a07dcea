-- What each agent has reported last of the people who use it. report_id makes a
-- report that is sent twice count once.
create table workspace_agent_usage (
    agent_id uuid primary key references workspace_agents (id) on delete cascade,
    report_id uuid not null,
    reported_at timestamptz not null default now(),
    ssh integer not null,
    vscode integer not null,
    jetbrains integer not null,
    reconnecting_pty integer not null,
    port_forwarding integer not null,
    direct integer not null, -- peers, by the way to them
    relayed integer not null,
    latency_ms double precision, -- median round trip to them
    rx_bytes bigint not null, -- of the last report
    tx_bytes bigint not null,
    relays jsonb not null default '{}' -- region name: {preferred, latency_ms}
);

-- How much an agent was used in each quarter of an hour in which somebody did.
create table workspace_agent_stats (
    agent_id uuid not null references workspace_agents (id) on delete cascade,
    interval_start timestamptz not null, -- database time
    workspace_id uuid not null references workspaces (id) on delete cascade,
    opened_ssh integer not null, -- sessions
    opened_vscode integer not null,
    opened_jetbrains integer not null,
    opened_reconnecting_pty integer not null,
    opened_port_forwarding integer not null,
    seconds_ssh integer not null, -- with at least one session open
    seconds_vscode integer not null,
    seconds_jetbrains integer not null,
    seconds_reconnecting_pty integer not null,
    rx_packets bigint not null,
    rx_bytes bigint not null,
    tx_packets bigint not null,
    tx_bytes bigint not null,
    latency_ms double precision, -- the last one
    primary key (agent_id, interval_start)
);
create index workspace_agent_stats_interval on workspace_agent_stats (interval_start);
