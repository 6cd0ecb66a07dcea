-- What `coder server dbcrypt delete` removes: everything that starts with the
-- byte 1, which a key has sealed. What is stored in clear starts with 2 and stays.

-- name: CountSealed :one
select
    (select count(*) from workspace_build_states where substring(state from 1 for 1) = '\x01'::bytea)::bigint as states,
    (select count(distinct b.workspace_id) from workspace_build_states s
        join workspace_builds b on b.id = s.workspace_build_id join workspaces w on w.id = b.workspace_id
        where substring(s.state from 1 for 1) = '\x01'::bytea and not w.deleted)::bigint as workspaces,
    (select count(*) from provisioner_job_strays where substring(payload from 1 for 1) = '\x01'::bytea)::bigint as strays,
    ((select count(*) from template_version_inputs where substring(variables from 1 for 1) = '\x01'::bytea) +
    (select count(*) from provisioner_plans where substring(variables from 1 for 1) = '\x01'::bytea) +
    (select count(*) from template_version_variables
        where sensitive and value <> '' and substring(decode(value, 'base64') from 1 for 1) = '\x01'::bytea))::bigint as variables,
    (select count(*) from git_ssh_keys where substring(private_key from 1 for 1) = '\x01'::bytea)::bigint as ssh_keys,
    (select count(*) from external_auth_links where substring(token from 1 for 1) = '\x01'::bytea)::bigint as external_auths;

-- name: DeleteSealedStates :execrows
delete from workspace_build_states where substring(state from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedStrays :execrows
delete from provisioner_job_strays where substring(payload from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedInputs :execrows
delete from template_version_inputs where substring(variables from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedVariables :execrows
update template_version_variables set value = ''
where sensitive and value <> '' and substring(decode(value, 'base64') from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedPlans :execrows
update provisioner_plans set variables = null where substring(variables from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedSSHKeys :execrows
delete from git_ssh_keys where substring(private_key from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedExternalAuth :execrows
delete from external_auth_links where substring(token from 1 for 1) = '\x01'::bytea;

-- name: DeleteSealedConfigs :execrows
delete from site_configs where key = any(@keys::text[]) and substring(decode(value, 'base64') from 1 for 1) = '\x01'::bytea;

-- name: ListResourcesOfLastGoodBuild :many
-- What the last build that succeeded said it made.
select r.address, r.type, r.name from workspace_resources r
where r.job_id = (
    select b.job_id from workspace_builds b
    join provisioner_jobs j on j.id = b.job_id
    where b.workspace_id = @workspace_id and j.status = 'succeeded'
    order by b.build_number desc
    limit 1)
order by r.ordinal;
