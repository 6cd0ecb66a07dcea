-- name: GetExternalAuthLink :one
-- due: its time to be refreshed has come.
select sqlc.embed(l), (case when l.expires_at <= now() then true else false end)::boolean as expired,
    (case when l.refresh_at <= now() or l.expires_at <= now() then true else false end)::boolean as due,
    (case when l.validated_at > now() - interval '1 minute' then true else false end)::boolean as validated
from external_auth_links l
where l.provider_id = @provider_id and l.user_id = @user_id;

-- name: ListExternalAuthLinks :many
select sqlc.embed(l), (case when l.expires_at <= now() then true else false end)::boolean as expired
from external_auth_links l
where l.user_id = @user_id
order by l.provider_id;

-- name: PutExternalAuthLink :one
-- A new sign-in. life is the seconds that the token lives, fresh
-- after how many it is refreshed; 0 for ever.
insert into external_auth_links (provider_id, user_id, token, has_refresh, expires_at, refresh_at, validated_at)
values (@provider_id, @user_id, @token, @has_refresh,
    now() + nullif(@life::float8, 0) * interval '1 second',
    now() + nullif(@fresh::float8, 0) * interval '1 second',
    now())
on conflict (provider_id, user_id) do update set token = excluded.token, has_refresh = excluded.has_refresh,
    version = external_auth_links.version + 1, expires_at = excluded.expires_at, refresh_at = excluded.refresh_at,
    invalid = false, failure = '', validated_at = now(), claimed_until = null, updated_at = now()
returning *;

-- name: ClaimExternalAuthRefresh :execrows
-- One at a time refreshes a token, among all replicas.
update external_auth_links set claimed_until = now() + interval '30 seconds'
where provider_id = @provider_id and user_id = @user_id and version = @version
    and (claimed_until is null or claimed_until < now());

-- name: SetExternalAuthToken :execrows
-- What a refresh brought, unless there was a new sign-in meanwhile.
update external_auth_links set token = @token, has_refresh = @has_refresh, version = version + 1,
    expires_at = now() + nullif(@life::float8, 0) * interval '1 second',
    refresh_at = now() + nullif(@fresh::float8, 0) * interval '1 second',
    invalid = false, failure = '', validated_at = now(), claimed_until = null, updated_at = now()
where provider_id = @provider_id and user_id = @user_id and version = @version;

-- name: ReleaseExternalAuthRefresh :exec
-- A refresh that failed for now.
update external_auth_links set claimed_until = null
where provider_id = @provider_id and user_id = @user_id and version = @version;

-- name: FailExternalAuthRefresh :exec
-- A refresh that was refused for good: the token lives until it expires.
update external_auth_links set has_refresh = false, refresh_at = null, claimed_until = null, failure = @failure, updated_at = now()
where provider_id = @provider_id and user_id = @user_id and version = @version;

-- name: SetExternalAuthValidated :exec
update external_auth_links set validated_at = now(), invalid = @invalid,
    failure = case when @invalid::boolean then @failure::text else failure end,
    updated_at = case when @invalid::boolean then now() else updated_at end
where provider_id = @provider_id and user_id = @user_id and version = @version;

-- name: DeleteExternalAuthLink :one
delete from external_auth_links where provider_id = @provider_id and user_id = @user_id returning *;

-- name: DeleteExternalAuthLinksOfUser :exec
delete from external_auth_links where user_id = @user_id;

-- name: InsertExternalAuthFlow :exec
insert into external_auth_flows (state_hash, provider_id, user_id, api_key_id, redirect)
values (@state_hash, @provider_id, @user_id, @api_key_id, @redirect);

-- name: TakeExternalAuthFlow :one
-- Works once, for the session that began it.
delete from external_auth_flows
where state_hash = @state_hash and provider_id = @provider_id and user_id = @user_id and api_key_id = @api_key_id
returning redirect, (created_at > now() - interval '15 minutes')::boolean as alive;

-- name: DeleteOldExternalAuthFlows :exec
-- What is over, and of one user all but the newest.
delete from external_auth_flows f where f.created_at < now() - interval '15 minutes'
    or f.user_id = @user_id and f.state_hash not in (select k.state_hash from external_auth_flows k
        where k.user_id = @user_id order by k.created_at desc limit @keep);
