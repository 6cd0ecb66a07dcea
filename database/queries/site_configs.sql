-- name: GetSiteConfig :one
select value from site_configs where key = @key;

-- name: PutSiteConfigOnce :one
-- Returns the value that is stored afterwards: the first writer wins.
with put as (
    insert into site_configs (key, value) values (@key, @value)
    on conflict (key) do nothing
    returning value
)
select value from put
union all
select value from site_configs where key = @key
limit 1;

-- name: Notify :exec
select pg_notify('coder_events', @topic::text);
