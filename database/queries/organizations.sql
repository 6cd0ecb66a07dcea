-- name: GetOrganization :one
select * from organizations where id = @id and not deleted;

-- name: GetOrganizationByName :one
select * from organizations where lower(name) = lower(@name) and not deleted;

-- name: GetDefaultOrganization :one
select * from organizations where is_default and not deleted;

-- name: InsertOrganization :one
insert into organizations (id, name, display_name, is_default)
values (@id, @name, @display_name, @is_default)
returning *;

-- name: ListOrganizations :many
select * from organizations o
where not o.deleted and rbac_visible(@everything::boolean, @orgs::uuid[], @owner::uuid, @member_of::uuid[], @at_large::boolean, @shared_in::uuid[], @entries::text[],
            o.id, null, null)
    and rbac_named(@anything::boolean, @named::uuid[], o.id)
order by o.is_default desc, lower(o.name)
limit @max_rows;

-- name: ListOrganizationsOfUser :many
select o.* from organizations o
join organization_members m on m.organization_id = o.id
where m.user_id = @user_id and not o.deleted
order by o.is_default desc, lower(o.name);

-- name: InsertOrganizationMember :exec
insert into organization_members (organization_id, user_id, roles)
values (@organization_id, @user_id, @roles);

-- name: DeleteMembershipsOfUser :exec
delete from organization_members where user_id = @user_id;

-- name: ListMembershipsOfUser :many
select m.* from organization_members m
join organizations o on o.id = m.organization_id and not o.deleted
where m.user_id = @user_id
order by m.created_at, m.organization_id;

-- name: ListOrganizationMembers :many
select sqlc.embed(m), sqlc.embed(u) from organization_members m
join users u on u.id = m.user_id and not u.deleted
where m.organization_id = @organization_id
order by lower(u.username), u.id
limit @max_rows offset @skip;
