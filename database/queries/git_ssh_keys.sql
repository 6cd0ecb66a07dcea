-- name: PutGitSSHKey :one
insert into git_ssh_keys (user_id, public_key, private_key) values (@user_id, @public_key, @private_key)
on conflict (user_id) do update set public_key = excluded.public_key, private_key = excluded.private_key, updated_at = now()
returning *;
