-- name: GetUser :one
select * from users where id = @id and not deleted;

-- name: GetUserByUsername :one
select * from users where lower(username) = lower(@username) and not deleted;

-- name: LockUser :one
-- Excludes other changes of the user, not new rows that refer to them.
select * from users where id = @id and not deleted for no key update;

-- name: LockUserAlone :execrows
-- Waits for transactions that refer to the user, and holds new ones off.
select 1 from users where id = @id and not deleted for update;

-- name: AnyUser :one
select exists (select 1 from users where not deleted);

-- name: LockFirstUser :exec
-- Serializes attempts to make the first user, over all replicas.
select pg_advisory_xact_lock(7165021847120001);

-- name: InsertUser :one
insert into users (id, username, name, email, status, login_type, password_hash, roles, is_service_account)
values (@id, @username, @name, @email, @status, @login_type, @password_hash, @roles, @is_service_account)
returning *;

-- name: ListUsers :many
select sqlc.embed(u), array(
    select m.organization_id from organization_members m
    join organizations o on o.id = m.organization_id and not o.deleted
    where m.user_id = u.id order by m.created_at, m.organization_id
)::uuid[] as organization_ids
from users u
where not u.deleted
    and (@all_users::boolean or u.id = @only_user)
    and rbac_named(@anything::boolean, @named::uuid[], u.id)
    and (@search::text = '' or strpos(lower(u.username), lower(@search)) > 0
        or strpos(lower(u.email), lower(@search)) > 0 or strpos(lower(u.name), lower(@search)) > 0)
    and (cardinality(@statuses::text[]) = 0 or u.status = any (@statuses))
    and (cardinality(@login_types::text[]) = 0 or u.login_type = any (@login_types))
    and (cardinality(@with_roles::text[]) = 0 or u.roles && @with_roles)
    and (sqlc.narg(last_seen_before)::timestamptz is null or u.last_seen_at <= sqlc.narg(last_seen_before))
    and (sqlc.narg(last_seen_after)::timestamptz is null or u.last_seen_at >= sqlc.narg(last_seen_after))
    and (sqlc.narg(created_before)::timestamptz is null or u.created_at <= sqlc.narg(created_before))
    and (sqlc.narg(created_after)::timestamptz is null or u.created_at >= sqlc.narg(created_after))
    and (@name::text = '' or strpos(lower(u.name), lower(@name)) > 0 or strpos(lower(u.username), lower(@name)) > 0)
    and (@github_user::bigint = 0 or u.github_com_user_id = @github_user)
    and (sqlc.narg(service_account)::boolean is null or u.is_service_account = sqlc.narg(service_account))
    and (@after_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or (lower(u.username), u.id) > (
        select lower(a.username), a.id from users a where a.id = @after_id))
order by lower(u.username), u.id
limit @max_rows offset @skip;

-- name: CountUsers :one
select count(*) from users u
where not u.deleted
    and (@all_users::boolean or u.id = @only_user)
    and rbac_named(@anything::boolean, @named::uuid[], u.id)
    and (@search::text = '' or strpos(lower(u.username), lower(@search)) > 0
        or strpos(lower(u.email), lower(@search)) > 0 or strpos(lower(u.name), lower(@search)) > 0)
    and (cardinality(@statuses::text[]) = 0 or u.status = any (@statuses))
    and (cardinality(@login_types::text[]) = 0 or u.login_type = any (@login_types))
    and (cardinality(@with_roles::text[]) = 0 or u.roles && @with_roles)
    and (sqlc.narg(last_seen_before)::timestamptz is null or u.last_seen_at <= sqlc.narg(last_seen_before))
    and (sqlc.narg(last_seen_after)::timestamptz is null or u.last_seen_at >= sqlc.narg(last_seen_after))
    and (sqlc.narg(created_before)::timestamptz is null or u.created_at <= sqlc.narg(created_before))
    and (sqlc.narg(created_after)::timestamptz is null or u.created_at >= sqlc.narg(created_after))
    and (@name::text = '' or strpos(lower(u.name), lower(@name)) > 0 or strpos(lower(u.username), lower(@name)) > 0)
    and (@github_user::bigint = 0 or u.github_com_user_id = @github_user)
    and (sqlc.narg(service_account)::boolean is null or u.is_service_account = sqlc.narg(service_account));

-- name: UpdateUserProfile :one
update users set username = @username, name = @name, avatar_url = coalesce(sqlc.narg(avatar_url), avatar_url), updated_at = now()
where id = @id and not deleted
returning *;

-- name: UpdateUserPassword :execrows
update users set password_hash = @password_hash, updated_at = now()
where id = @id and not deleted and login_type = 'password';

-- name: UpdateUserStatus :one
update users set status = @status, updated_at = now()
where id = @id and not deleted
returning *;

-- name: UpdateUserRoles :one
update users set roles = @roles, updated_at = now()
where id = @id and not deleted
returning *;

-- name: NoteLogin :exec
-- A dormant user wakes up by signing in.
update users set last_seen_at = now(),
    status = case when status = 'dormant' then 'active' else status end
where id = @id and not deleted;

-- name: MarkDormant :many
-- Active users who were not seen for a time; one who never was counts from the day
-- they were made. Who is being changed waits for the next time.
update users set status = 'dormant', updated_at = now()
where id in (
    select i.id from users i
    where i.status = 'active' and not i.deleted
        and greatest(i.last_seen_at, i.created_at) < now() - make_interval(secs => @idle_seconds::float8)
    order by i.last_seen_at
    limit @max_rows
    for no key update skip locked
)
returning *;

-- name: WakeUser :execrows
update users set status = 'active', last_seen_at = now(), updated_at = now()
where id = @id and status = 'dormant' and not deleted;

-- name: DeleteUser :execrows
update users set deleted = true, password_hash = '', updated_at = now()
where id = @id and not deleted;

-- name: LockOwners :many
-- Users who can administrate the deployment, locked against a change of that.
select id from users
where 'owner' = any (roles) and not deleted and status <> 'suspended'
order by id
for no key update;

-- name: UserOwnsWorkspaces :one
select exists (select 1 from workspaces where owner_id = @owner_id and not deleted);
