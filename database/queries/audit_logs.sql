-- name: InsertAuditLog :exec
insert into audit_logs (id, user_id, username, organization_id, ip, user_agent, request_id,
    resource_type, resource_id, resource_target, action, status_code, diff, additional_fields)
values (@id, @user_id, @username, @organization_id, @ip, @user_agent, @request_id,
    @resource_type, @resource_id, @resource_target, @action, @status_code, @diff, @additional_fields);

-- name: ListAuditLogs :many
select * from audit_logs
where (@before_time::timestamptz is null or ("time", id) < (@before_time, @before_id::uuid))
order by "time" desc, id desc
limit @max_rows;
