-- name: InsertProvisionerJobLogs :exec
insert into provisioner_job_logs (job_id, created_at, source, level, stage, output)
select @job_id::uuid, unnest(@created_at::timestamptz[]), unnest(@source::text[]),
    unnest(@level::text[]), unnest(@stage::text[]), unnest(@output::text[]);

-- name: ListProvisionerJobLogs :many
-- before_id 0 means no upper bound.
select * from provisioner_job_logs
where job_id = @job_id and id > @after_id
    and (@before_id::bigint = 0 or id < @before_id::bigint)
order by id
limit @max_rows;
