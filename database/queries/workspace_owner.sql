-- What a build may know of its workspace's owner.

-- name: GetGitSSHKey :one
select * from git_ssh_keys where user_id = @user_id;

-- name: InsertGitSSHKey :execrows
-- The first one stays: another build may have made it meanwhile.
insert into git_ssh_keys (user_id, public_key, private_key) values (@user_id, @public_key, @private_key)
on conflict (user_id) do nothing;

-- name: PutWorkspaceSession :exec
insert into workspace_sessions (workspace_id, api_key_id) values (@workspace_id, @api_key_id)
on conflict (workspace_id) do update set api_key_id = excluded.api_key_id;

-- name: EndWorkspaceSession :many
-- At most one. The row that names the key goes with it.
delete from api_keys k using workspace_sessions s where s.api_key_id = k.id and s.workspace_id = @workspace_id
returning k.*;

-- name: SetBuildExternalAgent :exec
update workspace_builds set has_external_agent = @has_external_agent where id = @id;

-- name: ListAgentHashesOfBuild :many
-- The agents of a build by name, with what their tokens hash to.
select a.id, a.name, a.auth_token_hash, a.operating_system, a.architecture, r.type as resource_type
from workspace_agents a
join workspace_resources r on r.id = a.resource_id
where a.workspace_build_id = @build_id::uuid
order by a.name;
