-- Custom roles, groups and access lists.

-- name: ListCustomRoles :many
select * from custom_roles where organization_id = @organization_id
order by lower(name)
limit @max_rows;

-- name: ListCustomRolesNamed :many
-- Definitions of roles by name, held against deletion and change.
select * from custom_roles
where organization_id = @organization_id and name = any (@names::text[])
for share;

-- name: LockCustomRole :one
select * from custom_roles where organization_id = @organization_id and lower(name) = lower(@name) for update;

-- name: CountCustomRoles :one
select count(*)::integer from custom_roles where organization_id = @organization_id;

-- name: InsertCustomRole :one
insert into custom_roles (organization_id, name, display_name, site_permissions, org_permissions, member_permissions, user_permissions)
values (@organization_id, @name, @display_name, @site_permissions, @org_permissions, @member_permissions, @user_permissions)
returning *;

-- name: UpdateCustomRole :one
update custom_roles set display_name = @display_name, site_permissions = @site_permissions, org_permissions = @org_permissions,
    member_permissions = @member_permissions, user_permissions = @user_permissions, updated_at = now()
where organization_id = @organization_id and name = @name
returning *;

-- name: DeleteCustomRole :execrows
delete from custom_roles where organization_id = @organization_id and name = @name;

-- name: TakeRoleFromMembers :exec
update organization_members set roles = array_remove(roles, @role::text), updated_at = now()
where organization_id = @organization_id and @role::text = any (roles);

-- name: TakeDefaultRole :exec
update organizations set default_member_roles = array_remove(default_member_roles, @role::text)
where id = @id and @role::text = any (default_member_roles);

-- name: LockOrganization :one
-- For changes: waits for those who make something in it, and holds them off.
select * from organizations where id = @id and not deleted for update;

-- name: LockOrganizationForShare :one
select * from organizations where id = @id and not deleted for share;

-- name: InsertNewOrganization :one
insert into organizations (id, name, display_name, description, icon)
values (@id, @name, @display_name, @description, @icon)
returning *;

-- name: CountOrganizations :one
select count(*)::integer from organizations where not deleted;

-- name: UpdateOrganization :one
update organizations set name = @name, display_name = @display_name, description = @description, icon = @icon,
    default_member_roles = @default_member_roles, updated_at = now()
where id = @id and not deleted
returning *;

-- name: SetSharingOwners :one
update organizations set sharing_owners = @sharing_owners, updated_at = now()
where id = @id and not deleted
returning *;

-- name: DeleteOrganization :execrows
update organizations set deleted = true, updated_at = now() where id = @id and not deleted and not is_default;

-- name: WhatOrganizationHolds :one
-- What keeps an organization from being deleted.
select
    (select count(*) from workspaces w where w.organization_id = @id and not w.deleted)::integer as workspaces,
    (select count(*) from templates t where t.organization_id = @id and not t.deleted)::integer as templates,
    (select count(*) from provisioner_keys k where k.organization_id = @id)::integer as provisioner_keys;

-- name: DeleteMembersOfOrganization :exec
delete from organization_members where organization_id = @organization_id;

-- name: GetMember :one
select sqlc.embed(m), sqlc.embed(u) from organization_members m
join users u on u.id = m.user_id and not u.deleted
where m.organization_id = @organization_id and m.user_id = @user_id;

-- name: LockMember :one
select * from organization_members where organization_id = @organization_id and user_id = @user_id for update;

-- name: SearchMembers :many
select sqlc.embed(m), sqlc.embed(u) from organization_members m
join users u on u.id = m.user_id and not u.deleted
where m.organization_id = @organization_id
    and (@search::text = '' or strpos(lower(u.username), lower(@search)) > 0
        or strpos(lower(u.email), lower(@search)) > 0 or strpos(lower(u.name), lower(@search)) > 0)
    and (@after_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or (lower(u.username), u.id) > (
        select lower(a.username), a.id from users a where a.id = @after_id))
order by lower(u.username), u.id
limit @max_rows offset @skip;

-- name: CountMembers :one
select count(*) from organization_members m
join users u on u.id = m.user_id and not u.deleted
where m.organization_id = @organization_id
    and (@search::text = '' or strpos(lower(u.username), lower(@search)) > 0
        or strpos(lower(u.email), lower(@search)) > 0 or strpos(lower(u.name), lower(@search)) > 0);

-- name: SetMemberRoles :one
update organization_members set roles = @roles, updated_at = now()
where organization_id = @organization_id and user_id = @user_id
returning *;

-- name: DeleteMember :execrows
delete from organization_members where organization_id = @organization_id and user_id = @user_id;

-- name: ListGroups :many
-- Groups that the filter admits or the caller is in, with how many members they have.
select sqlc.embed(g), o.name as organization_name, o.display_name as organization_display_name,
    (case when g.id = g.organization_id
        then (select count(*) from organization_members m join users u on u.id = m.user_id and not u.deleted where m.organization_id = g.id)
        else (select count(*) from group_members m join users u on u.id = m.user_id and not u.deleted where m.group_id = g.id)
    end)::integer as total
from groups g
join organizations o on o.id = g.organization_id and not o.deleted
where (rbac_visible(@everything::boolean, @orgs::uuid[], @owner::uuid, @member_of::uuid[], @at_large::boolean, @shared_in::uuid[], @entries::text[],
        g.organization_id, null, null) or g.id = any (@joined::uuid[]))
    and rbac_named(@anything::boolean, @named::uuid[], g.id)
    and (sqlc.narg('organization_id')::uuid is null or g.organization_id = sqlc.narg('organization_id')::uuid)
    and (cardinality(@ids::uuid[]) = 0 or g.id = any (@ids::uuid[]))
    and (@name::text = '' or lower(g.name) = lower(@name::text))
    and (sqlc.narg('has_member')::uuid is null
        or exists (select 1 from group_members m where m.group_id = g.id and m.user_id = sqlc.narg('has_member')::uuid)
        or exists (select 1 from organization_members m where m.organization_id = g.id and m.user_id = sqlc.narg('has_member')::uuid))
order by lower(o.name), g.id <> g.organization_id, lower(g.name), g.id
limit @max_rows;

-- name: ListMembersOfGroups :many
-- The first members of each group, by name.
select x.group_id::uuid as group_id, sqlc.embed(u)
from unnest(@group_ids::uuid[]) as x(group_id)
cross join lateral (
    select m.user_id from group_members m where m.group_id = x.group_id
    union all
    select m.user_id from organization_members m where m.organization_id = x.group_id
    limit @per_group
) m
join users u on u.id = m.user_id and not u.deleted
order by x.group_id, lower(u.username), u.id;

-- name: SearchGroupMembers :many
select u.* from users u
where not u.deleted
    and u.id in (
        select gm.user_id from group_members gm where gm.group_id = @group_id::uuid
        union all select om.user_id from organization_members om where om.organization_id = @group_id::uuid)
    and (@search::text = '' or strpos(lower(u.username), lower(@search)) > 0
        or strpos(lower(u.email), lower(@search)) > 0 or strpos(lower(u.name), lower(@search)) > 0)
    and (@after_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or (lower(u.username), u.id) > (
        select lower(a.username), a.id from users a where a.id = @after_id))
order by lower(u.username), u.id
limit @max_rows offset @skip;

-- name: CountGroupMembers :one
select count(*) from users u
where not u.deleted
    and u.id in (
        select gm.user_id from group_members gm where gm.group_id = @group_id::uuid
        union all select om.user_id from organization_members om where om.organization_id = @group_id::uuid)
    and (@search::text = '' or strpos(lower(u.username), lower(@search)) > 0
        or strpos(lower(u.email), lower(@search)) > 0 or strpos(lower(u.name), lower(@search)) > 0);

-- name: GetGroup :one
select g.* from groups g join organizations o on o.id = g.organization_id and not o.deleted where g.id = @id;

-- name: LockGroup :one
select * from groups where id = @id for update;

-- name: CountGroups :one
select count(*)::integer from groups where organization_id = @organization_id;

-- name: InsertGroup :one
insert into groups (id, organization_id, name, display_name, avatar_url, quota_allowance)
values (@id, @organization_id, @name, @display_name, @avatar_url, @quota_allowance)
returning *;

-- name: UpdateGroup :one
update groups set name = @name, display_name = @display_name, avatar_url = @avatar_url,
    quota_allowance = @quota_allowance, updated_at = now()
where id = @id
returning *;

-- name: DeleteGroup :execrows
delete from groups where id = @id and id <> organization_id;

-- name: LeaveACLs :exec
-- Takes the entries of a group that goes away off all access lists.
with t as (
    update templates t set acl = array(select e from unnest(t.acl) e where e <> all (@entries::text[]))
    where t.organization_id = @organization_id and t.acl && @entries::text[]
)
update workspaces w set acl = array(select e from unnest(w.acl) e where e <> all (@entries::text[]))
where w.organization_id = @organization_id and w.acl && @entries::text[];

-- name: AddGroupMember :execrows
-- Members of the group's organization only; the membership is held meanwhile.
with member as (
    select m.user_id from organization_members m
    join users u on u.id = m.user_id and not u.deleted
    where m.organization_id = @organization_id and m.user_id = @user_id
    for share of m
)
insert into group_members (user_id, group_id) select member.user_id, @group_id from member
on conflict do nothing;

-- name: RemoveGroupMember :execrows
delete from group_members where group_id = @group_id and user_id = @user_id;

-- name: ListMemberIDs :many
-- Those of the users given who are members of the organization.
select m.user_id from organization_members m
join users u on u.id = m.user_id and not u.deleted
where m.organization_id = @organization_id and m.user_id = any (@ids::uuid[]);

-- name: ListUsersByIDs :many
select * from users where id = any (@ids::uuid[]) and not deleted order by lower(username), id;

-- name: ListGroupIDs :many
-- Those of the groups given that are of the organization.
select id from groups where organization_id = @organization_id and id = any (@ids::uuid[]);

-- name: GetTemplateACL :one
select organization_id, acl from templates where id = @id;

-- name: SetTemplateACL :execrows
update templates set acl = @acl::text[], updated_at = now() where id = @id and not deleted;

-- name: SetWorkspaceACL :execrows
update workspaces set acl = @acl::text[], updated_at = now() where id = @id and not deleted;

-- name: ClearWorkspaceACLs :execrows
-- When sharing is restricted: takes away the lists of workspaces that are no longer covered.
update workspaces w set acl = '{}'
where w.organization_id = @organization_id and w.acl <> '{}'
    and (@every::boolean or not exists (select 1 from users u where u.id = w.owner_id and u.is_service_account));
