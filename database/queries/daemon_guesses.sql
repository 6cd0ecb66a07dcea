-- name: KnowsPSKDaemon :one
-- Whether a daemon with this id has shown the right pre-shared key lately.
select exists (
    select 1 from provisioner_daemons
    where id = @id and key_name = 'psk' and last_seen_at > now() - interval '7 days'
)::boolean as known;
