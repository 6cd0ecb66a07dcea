-- name: InsertProvisionerKey :one
insert into provisioner_keys (id, organization_id, name, tags, hashed_secret)
values (@id, @organization_id, @name, @tags, @hashed_secret)
returning *;

-- name: GetProvisionerKeyBySecret :one
select * from provisioner_keys where hashed_secret = @hashed_secret;

-- name: GetProvisionerKey :one
select * from provisioner_keys where id = @id;

-- name: ProvisionerKeyExists :one
select exists (select 1 from provisioner_keys where id = @id);

-- name: GetProvisionerKeyByName :one
select * from provisioner_keys where organization_id = @organization_id and lower(name) = lower(@name);

-- name: ListProvisionerKeys :many
select * from provisioner_keys where organization_id = @organization_id
order by lower(name)
limit @max_rows;

-- name: CountProvisionerKeys :one
select count(*)::integer from provisioner_keys where organization_id = @organization_id;

-- name: DeleteProvisionerKey :execrows
delete from provisioner_keys where id = @id;
