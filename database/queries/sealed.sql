-- Columns that hold what the key ring has sealed; key_id is that of the newest
-- key, the bytes 2 to 5 of a sealed text. What another process has locked is
-- skipped and comes with the next batch.

-- name: LockOldSealedStates :many
select workspace_build_id, state from workspace_build_states
where substring(state from 2 for 4) <> @key_id::bytea
order by workspace_build_id limit @max_rows for update skip locked;

-- name: ResealState :exec
update workspace_build_states set state = @state where workspace_build_id = @workspace_build_id;

-- name: LockOldSealedStrays :many
select id, payload from provisioner_job_strays
where substring(payload from 2 for 4) <> @key_id::bytea
order by id limit @max_rows for update skip locked;

-- name: ResealStray :exec
update provisioner_job_strays set payload = @payload where id = @id;

-- name: LockOldSealedInputs :many
select template_version_id, variables from template_version_inputs
where substring(variables from 2 for 4) <> @key_id::bytea
order by template_version_id limit @max_rows for update skip locked;

-- name: ResealInput :exec
update template_version_inputs set variables = @variables where template_version_id = @template_version_id;

-- name: LockOldSealedVariables :many
select template_version_id, name, value from template_version_variables
where sensitive and value <> '' and substring(decode(value, 'base64') from 2 for 4) <> @key_id::bytea
order by template_version_id, name limit @max_rows for update skip locked;

-- name: ResealVariable :exec
update template_version_variables set value = @value where template_version_id = @template_version_id and name = @name;

-- name: LockOldSealedSSHKeys :many
select user_id, private_key from git_ssh_keys
where substring(private_key from 2 for 4) <> @key_id::bytea
order by user_id limit @max_rows for update skip locked;

-- name: ResealSSHKey :exec
update git_ssh_keys set private_key = @private_key where user_id = @user_id;

-- name: LockOldSealedPlans :many
select id, variables from provisioner_plans
where substring(variables from 2 for 4) <> @key_id::bytea
order by id limit @max_rows for update skip locked;

-- name: ResealPlan :exec
update provisioner_plans set variables = @variables where id = @id;

-- name: LockOldSealedConfigs :many
select key, value from site_configs
where key = any(@keys::text[]) and substring(decode(value, 'base64') from 2 for 4) <> @key_id::bytea
order by key limit @max_rows for update skip locked;

-- name: ResealConfig :exec
update site_configs set value = @value where key = @key;

-- name: CountOldSealed :one
select (
    (select count(*) from workspace_build_states where substring(state from 2 for 4) <> @key_id::bytea) +
    (select count(*) from provisioner_job_strays where substring(payload from 2 for 4) <> @key_id::bytea) +
    (select count(*) from git_ssh_keys where substring(private_key from 2 for 4) <> @key_id::bytea) +
    (select count(*) from provisioner_plans where substring(variables from 2 for 4) <> @key_id::bytea) +
    (select count(*) from external_auth_links where substring(token from 2 for 4) <> @key_id::bytea) +
    (select count(*) from signing_keys where substring(secret from 2 for 4) <> @key_id::bytea) +
    (select count(*) from template_version_inputs where substring(variables from 2 for 4) <> @key_id::bytea) +
    (select count(*) from template_version_variables
        where sensitive and value <> '' and substring(decode(value, 'base64') from 2 for 4) <> @key_id::bytea) +
    (select count(*) from site_configs
        where key = any(@keys::text[]) and substring(decode(value, 'base64') from 2 for 4) <> @key_id::bytea)
)::bigint;

-- name: LockOldSealedExternalAuth :many
select provider_id, user_id, token from external_auth_links
where substring(token from 2 for 4) <> @key_id::bytea
order by provider_id, user_id limit @max_rows for update skip locked;

-- name: ResealExternalAuth :exec
update external_auth_links set token = @token where provider_id = @provider_id and user_id = @user_id;
