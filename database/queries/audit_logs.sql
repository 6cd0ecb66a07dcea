-- name: InsertAuditLog :exec
insert into audit_logs (id, user_id, username, organization_id, ip, user_agent, request_id,
    resource_type, resource_id, resource_target, action, status_code, diff, additional_fields)
values (@id, @user_id, @username, @organization_id, @ip, @user_agent, @request_id,
    @resource_type, @resource_id, @resource_target, @action, @status_code, @diff, @additional_fields);

-- name: ListAuditLogs :many
select * from audit_logs a
where (@all_orgs::boolean or a.organization_id = any (@orgs::uuid[]))
    and (@resource_type::text = '' or a.resource_type = @resource_type)
    and (@resource_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.resource_id = @resource_id)
    and (@resource_target::text = '' or a.resource_target = @resource_target)
    and (@action::text = '' or a.action = @action)
    and (@username::text = '' or lower(a.username) = lower(@username))
    and (@after_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or (a."time", a.id) < (
        select b."time", b.id from audit_logs b where b.id = @after_id))
order by a."time" desc, a.id desc
limit @max_rows offset @skip;

-- name: CountAuditLogs :one
-- Counts up to a cap, so that a long history costs no more than a short one.
select count(*) from (
    select 1 from audit_logs a
    where (@all_orgs::boolean or a.organization_id = any (@orgs::uuid[]))
        and (@resource_type::text = '' or a.resource_type = @resource_type)
        and (@resource_id::uuid = '00000000-0000-0000-0000-000000000000'::uuid or a.resource_id = @resource_id)
        and (@resource_target::text = '' or a.resource_target = @resource_target)
        and (@action::text = '' or a.action = @action)
        and (@username::text = '' or lower(a.username) = lower(@username))
    limit 10000
) as capped;
