-- name: GetCaller :one
-- Everything that a request needs to know about who makes it, with as few parts as
-- can be: each request pays for them. Suspended and deleted users and expired keys
-- have no row. Whoever leaves an organization leaves its groups (a trigger), and
-- groups count only in an organization of memberships, so that they need no join.
-- A membership is the organization's id and, right behind it, a JSON list of roles.
select k.id, k.hashed_secret, k.user_id, k.scopes, k.allow_list, u.username, u.roles as site_roles,
    (k.last_used < now() - interval '1 minute' or k.last_used = k.created_at)::boolean as stale, u.status = 'dormant' as dormant,
    array(select m.organization_id::text || array_to_json(m.roles || o.default_member_roles)::text
        from organization_members m
        join organizations o on o.id = m.organization_id and not o.deleted
        where m.user_id = u.id)::text[] as memberships,
    array(select g.group_id from group_members g where g.user_id = u.id)::uuid[] as groups
from api_keys k
join users u on u.id = k.user_id
where k.id = @id and k.expires_at > now() and not u.deleted and u.status <> 'suspended';

-- name: ListCustomRolesOfUser :many
-- The definitions of the custom roles that a user holds.
select c.* from organization_members m
join organizations o on o.id = m.organization_id and not o.deleted
join custom_roles c on c.organization_id = m.organization_id and c.name = any (m.roles || o.default_member_roles)
where m.user_id = @user_id;

-- name: TouchAPIKey :exec
-- Notes the first use of a key and then one a minute at most, and lets sessions slide.
with touched as (
    update api_keys k set
        last_used = now(),
        expires_at = case when k.login_type <> 'token' and @slide::boolean
            then greatest(k.expires_at, now() + make_interval(secs => k.lifetime_seconds::float8))
            else k.expires_at end
    where k.id = @id and (k.last_used < now() - interval '1 minute' or k.last_used = k.created_at) and k.expires_at > now()
    returning k.user_id
)
update users u set last_seen_at = now() from touched where u.id = touched.user_id;

-- name: InsertAPIKey :one
insert into api_keys (id, hashed_secret, user_id, login_type, token_name, scopes, allow_list, ip,
    lifetime_seconds, expires_at)
values (@id, @hashed_secret, @user_id, @login_type, @token_name, @scopes,
    case when cardinality(@allow_list::text[]) = 0 then array['*:*'] else @allow_list end, @ip,
    @lifetime_seconds, now() + make_interval(secs => @seconds::float8))
returning *;

-- name: GetAPIKey :one
select * from api_keys where id = @id and user_id = @user_id;

-- name: GetTokenByName :one
select * from api_keys
where user_id = @user_id and token_name = @token_name and login_type = 'token';

-- name: ListTokens :many
select sqlc.embed(k), u.username from api_keys k
join users u on u.id = k.user_id
where k.login_type = 'token' and not u.deleted
    and (@any_user::boolean or k.user_id = @user_id)
    and rbac_named(@anything::boolean, @named::uuid[], k.user_id)
    and (@include_expired::boolean or k.expires_at > now())
order by k.created_at desc, k.id
limit @max_rows;

-- name: ListSessions :many
-- The keys of a user that are no tokens: browsers and command lines.
select * from api_keys
where user_id = @user_id and login_type <> 'token' and expires_at > now()
order by last_used desc, id
limit @max_rows;

-- name: CountTokens :one
select count(*) from api_keys
where user_id = @user_id and login_type = 'token' and expires_at > now();

-- name: RemainingKeyLifetime :one
-- Seconds that are left of a key that may not slide.
select extract(epoch from expires_at - now())::bigint as seconds from api_keys
where id = @id and login_type = 'token' and expires_at > now();

-- name: DeleteAPIKey :execrows
delete from api_keys where id = @id and user_id = @user_id;

-- name: ExpireAPIKey :execrows
update api_keys set expires_at = least(expires_at, now()), updated_at = now()
where id = @id and user_id = @user_id;

-- name: DeleteExpiredToken :exec
-- Frees the name of a token that has run out.
delete from api_keys
where user_id = @user_id and token_name = @token_name and login_type = 'token' and expires_at <= now();

-- name: DeleteOldAPIKeys :exec
-- Forgets keys of one user that ran out a week ago.
delete from api_keys where user_id = @user_id and expires_at < now() - interval '7 days';

-- name: DeleteOtherAPIKeys :exec
-- Ends all keys of a user but one, which may be ''.
delete from api_keys where user_id = @user_id and id <> @except_id;

-- name: LocateObject :one
-- Where an object stands, for authorization checks by id.
select w.organization_id::uuid as organization_id, w.owner_id::uuid as owner_id, w.acl::text[] as acl
from workspaces w where w.id = @id and @type::text = 'workspace' and not w.deleted
union all
select t.organization_id, '00000000-0000-0000-0000-000000000000'::uuid, coalesce(t.acl, array['g:' || t.organization_id || ':use'])
from templates t where t.id = @id and @type::text = 'template' and not t.deleted
union all
select '00000000-0000-0000-0000-000000000000'::uuid, u.id, '{}'
from users u where u.id = @id and @type::text = 'user' and not u.deleted
union all
select o.id, '00000000-0000-0000-0000-000000000000'::uuid, '{}'
from organizations o where o.id = @id and @type::text = 'organization' and not o.deleted
union all
select g.organization_id, '00000000-0000-0000-0000-000000000000'::uuid, '{}'
from groups g where g.id = @id and @type::text = 'group';
