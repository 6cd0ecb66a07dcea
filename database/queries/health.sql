-- name: ListDaemonVersions :many
-- How many daemons are there now, by version.
select version, count(*)::bigint as daemons from provisioner_daemons
where last_seen_at >= now() - make_interval(secs => @stale_seconds::float8)
group by version
order by version
limit 100;
