-- name: ResolveOrganization :one
-- By id, by name, or the default one.
select id, name, display_name, icon from organizations
where not deleted
    and (id = sqlc.narg('id')::uuid or lower(name) = lower(@name::text) or (@name::text = 'default' and is_default))
order by (id = sqlc.narg('id')::uuid) desc nulls last, (lower(name) = lower(@name::text)) desc
limit 1;

-- name: InsertTemplate :exec
insert into templates (id, organization_id, name, display_name, description, icon, active_version_id,
    default_ttl_ms, allow_user_cancel_workspace_jobs, require_active_version, use_classic_parameter_flow,
    max_port_share_level, cors_behavior, created_by)
values (@id, @organization_id, @name, @display_name, @description, @icon, @active_version_id,
    @default_ttl_ms, @allow_user_cancel_workspace_jobs, @require_active_version, @use_classic_parameter_flow,
    @max_port_share_level, @cors_behavior, @created_by);

-- name: GetTemplateRow :one
-- Deleted templates are not there.
select * from templates where id = @id and not deleted;

-- name: LockTemplate :one
-- For changes of the template itself.
select * from templates where id = @id and not deleted for update;

-- name: LockTemplateForUse :one
-- For making something that leans on the template: it cannot be deleted meanwhile.
select * from templates where id = @id and not deleted for share;

-- name: ListTemplates :many
-- One statement for all ways to ask: by id, by organization and name, or all
-- that a filter admits.
select sqlc.embed(t), o.name as organization_name, o.display_name as organization_display_name,
    o.icon as organization_icon, u.username as created_by_name,
    (select count(distinct w.owner_id) from workspaces w
        where w.template_id = t.id and not w.deleted)::integer as active_user_count
from templates t
join organizations o on o.id = t.organization_id
join users u on u.id = t.created_by
where not t.deleted
    and rbac_visible(@everything::boolean, @orgs::uuid[], @owner::uuid, @member_of::uuid[], @at_large::boolean, @shared_in::uuid[], @entries::text[],
            t.organization_id, null, coalesce(t.acl, array['g:' || t.organization_id || ':use']))
    and rbac_named(@anything::boolean, @named::uuid[], t.id)
    and (sqlc.narg('id')::uuid is null or t.id = sqlc.narg('id')::uuid)
    and (sqlc.narg('organization_id')::uuid is null or t.organization_id = sqlc.narg('organization_id')::uuid)
    and (@name::text = '' or lower(t.name) = lower(@name::text))
order by lower(t.name), t.id
limit @max_rows offset @skip_rows;

-- name: UpdateTemplate :execrows
update templates set
    name = @name,
    display_name = @display_name,
    description = @description,
    icon = @icon,
    deprecation_message = @deprecation_message,
    default_ttl_ms = @default_ttl_ms,
    allow_user_cancel_workspace_jobs = @allow_user_cancel_workspace_jobs,
    require_active_version = @require_active_version,
    use_classic_parameter_flow = @use_classic_parameter_flow,
    max_port_share_level = @max_port_share_level,
    cors_behavior = @cors_behavior,
    updated_at = now()
where id = @id and not deleted;

-- name: SetActiveTemplateVersion :execrows
update templates set active_version_id = @active_version_id, updated_at = now()
where id = @id and not deleted;

-- name: CountWorkspacesOfTemplate :one
select count(*)::integer from workspaces where template_id = @template_id and not deleted;

-- name: DeleteTemplate :execrows
update templates set deleted = true, updated_at = now() where id = @id and not deleted;
