-- name: StoreAgentUsage :execrows
-- Reports of many agents, in the order of their ids. Those that were stored before change nothing. The last
-- part names the workspaces that are in use; one that is locked is left for the
-- next report.
with r as (
    select (j ->> 'agent_id')::uuid as agent_id, (j ->> 'workspace_id')::uuid as workspace_id, (j ->> 'report_id')::uuid as report_id,
        (j ->> 'seconds')::integer as seconds, (j ->> 'active')::boolean as active, (j ->> 'ssh')::integer as ssh,
        (j ->> 'vscode')::integer as vscode, (j ->> 'jetbrains')::integer as jetbrains, (j ->> 'reconnecting_pty')::integer as reconnecting_pty,
        (j ->> 'port_forwarding')::integer as port_forwarding, (j ->> 'opened_ssh')::integer as opened_ssh, (j ->> 'opened_vscode')::integer as opened_vscode,
        (j ->> 'opened_jetbrains')::integer as opened_jetbrains, (j ->> 'opened_reconnecting_pty')::integer as opened_reconnecting_pty, (j ->> 'opened_port_forwarding')::integer as opened_port_forwarding,
        (j ->> 'direct')::integer as direct, (j ->> 'relayed')::integer as relayed, (j ->> 'latency_ms')::double precision as latency_ms,
        (j ->> 'rx_packets')::bigint as rx_packets, (j ->> 'rx_bytes')::bigint as rx_bytes, (j ->> 'tx_packets')::bigint as tx_packets,
        (j ->> 'tx_bytes')::bigint as tx_bytes,
        j -> 'relays' as relays, to_timestamp(floor(extract(epoch from now()) / 900) * 900) as interval_start
    from jsonb_array_elements(@rows::jsonb) as j
    join workspace_agents a on a.id = (j ->> 'agent_id')::uuid
), fresh as (
    insert into workspace_agent_usage as u (agent_id, report_id, ssh, vscode, jetbrains, reconnecting_pty, port_forwarding,
        direct, relayed, latency_ms, rx_bytes, tx_bytes, relays)
    select agent_id, report_id, ssh, vscode, jetbrains, reconnecting_pty, port_forwarding,
        direct, relayed, latency_ms, rx_bytes, tx_bytes, coalesce(relays, '{}')
    from r
    on conflict (agent_id) do update set report_id = excluded.report_id, reported_at = now(),
        ssh = excluded.ssh, vscode = excluded.vscode, jetbrains = excluded.jetbrains,
        reconnecting_pty = excluded.reconnecting_pty, port_forwarding = excluded.port_forwarding,
        direct = excluded.direct, relayed = excluded.relayed, latency_ms = excluded.latency_ms,
        rx_bytes = excluded.rx_bytes, tx_bytes = excluded.tx_bytes,
        relays = case when excluded.relays = '{}'::jsonb then u.relays else excluded.relays end
    where u.report_id <> excluded.report_id
    returning u.agent_id
), counted as (
    insert into workspace_agent_stats as s (agent_id, interval_start, workspace_id,
        opened_ssh, opened_vscode, opened_jetbrains, opened_reconnecting_pty, opened_port_forwarding,
        seconds_ssh, seconds_vscode, seconds_jetbrains, seconds_reconnecting_pty,
        rx_packets, rx_bytes, tx_packets, tx_bytes, latency_ms)
    select r.agent_id, r.interval_start, r.workspace_id,
        r.opened_ssh, r.opened_vscode, r.opened_jetbrains, r.opened_reconnecting_pty, r.opened_port_forwarding,
        case when r.ssh > 0 then r.seconds else 0 end, case when r.vscode > 0 then r.seconds else 0 end,
        case when r.jetbrains > 0 then r.seconds else 0 end, case when r.reconnecting_pty > 0 then r.seconds else 0 end,
        r.rx_packets, r.rx_bytes, r.tx_packets, r.tx_bytes, r.latency_ms
    from r join fresh f on f.agent_id = r.agent_id
    where r.active or r.rx_bytes > 0 or r.tx_bytes > 0
    on conflict (agent_id, interval_start) do update set
        opened_ssh = s.opened_ssh + excluded.opened_ssh, opened_vscode = s.opened_vscode + excluded.opened_vscode,
        opened_jetbrains = s.opened_jetbrains + excluded.opened_jetbrains,
        opened_reconnecting_pty = s.opened_reconnecting_pty + excluded.opened_reconnecting_pty,
        opened_port_forwarding = s.opened_port_forwarding + excluded.opened_port_forwarding,
        seconds_ssh = s.seconds_ssh + excluded.seconds_ssh, seconds_vscode = s.seconds_vscode + excluded.seconds_vscode,
        seconds_jetbrains = s.seconds_jetbrains + excluded.seconds_jetbrains,
        seconds_reconnecting_pty = s.seconds_reconnecting_pty + excluded.seconds_reconnecting_pty,
        rx_packets = s.rx_packets + excluded.rx_packets, rx_bytes = s.rx_bytes + excluded.rx_bytes,
        tx_packets = s.tx_packets + excluded.tx_packets, tx_bytes = s.tx_bytes + excluded.tx_bytes,
        latency_ms = coalesce(excluded.latency_ms, s.latency_ms)
), used as (
    select w.id from workspaces w
    where w.id in (select r.workspace_id from r where r.active) and not w.deleted
    for update skip locked
)
update workspaces set last_used_at = now() where id in (select id from used);

-- name: DeleteOldAgentStats :execrows
delete from workspace_agent_stats where ctid = any(array(
    select s.ctid from workspace_agent_stats s where s.interval_start < now() - make_interval(secs => @seconds::double precision)
    limit @max_rows::integer));

-- name: GetDeploymentStats :one
-- Traffic since the start of the quarter of an hour before this one. Sessions count
-- while their agent reports.
with w as (
    select workspace_status(id) as status from workspaces where not deleted
), live as (
    select u.* from workspace_agent_usage u join workspace_agents a on a.id = u.agent_id
    where u.reported_at > now() - interval '2 minutes' and a.disconnected_at is null
), since as (
    select to_timestamp(floor(extract(epoch from now()) / 900 - 1) * 900) as at
)
select now()::timestamptz as collected_at, (select at from since)::timestamptz as aggregated_from,
    (select count(*) from w where status = 'pending')::bigint as pending,
    (select count(*) from w where status in ('starting', 'stopping', 'deleting', 'canceling'))::bigint as building,
    (select count(*) from w where status = 'running')::bigint as running,
    (select count(*) from w where status in ('failed', 'canceled'))::bigint as failed,
    (select count(*) from w where status = 'stopped')::bigint as stopped,
    (select coalesce(sum(ssh), 0) from live)::bigint as ssh,
    (select coalesce(sum(vscode), 0) from live)::bigint as vscode,
    (select coalesce(sum(jetbrains), 0) from live)::bigint as jetbrains,
    (select coalesce(sum(reconnecting_pty), 0) from live)::bigint as reconnecting_pty,
    (select coalesce(sum(rx_bytes), 0) from workspace_agent_stats, since where interval_start >= since.at)::bigint as rx_bytes,
    (select coalesce(sum(tx_bytes), 0) from workspace_agent_stats, since where interval_start >= since.at)::bigint as tx_bytes,
    (select coalesce(percentile_cont(0.5) within group (order by latency_ms), -1) from workspace_agent_stats, since
        where interval_start >= since.at and latency_ms is not null)::double precision as latency_p50,
    (select coalesce(percentile_cont(0.95) within group (order by latency_ms), -1) from workspace_agent_stats, since
        where interval_start >= since.at and latency_ms is not null)::double precision as latency_p95;

-- name: ListAgentMetrics :many
-- The agents of the newest builds with what they have reported, for metrics.
select w.name as workspace_name, u.username, t.name as template_name, v.name as template_version,
    sqlc.embed(a), coalesce(g.ssh, 0)::integer as ssh, coalesce(g.vscode, 0)::integer as vscode,
    coalesce(g.jetbrains, 0)::integer as jetbrains, coalesce(g.reconnecting_pty, 0)::integer as reconnecting_pty,
    coalesce(g.port_forwarding, 0)::integer as port_forwarding, coalesce(g.direct, 0)::integer as direct,
    coalesce(g.relayed, 0)::integer as relayed, g.latency_ms, coalesce(g.rx_bytes, 0)::bigint as rx_bytes,
    coalesce(g.tx_bytes, 0)::bigint as tx_bytes, coalesce(g.relays, '{}')::jsonb as relays,
    coalesce(g.reported_at > now() - interval '2 minutes' and a.disconnected_at is null, false)::boolean as live, now()::timestamptz as db_now
from workspaces w
join users u on u.id = w.owner_id
join templates t on t.id = w.template_id
join lateral (select b.id, b.transition, b.template_version_id from workspace_builds b where b.workspace_id = w.id and not b.refused
    order by b.build_number desc limit 1) b on b.transition = 'start'
join template_versions v on v.id = b.template_version_id
join workspace_agents a on a.workspace_build_id = b.id
left join workspace_agent_usage g on g.agent_id = a.id
where not w.deleted
order by a.id
limit @max_rows;
