-- name: InsertFile :one
-- One row for each archive and owner; created says whether this call made it.
with put as (
    insert into files (id, hash, mimetype, data, created_by)
    values (@id, @hash, @mimetype, @data, @created_by)
    on conflict (hash, created_by) do nothing
    returning id
)
select id, true as created from put
union all
select f.id, false from files f
where f.hash = @hash and f.created_by = @created_by and not exists (select 1 from put)
limit 1;

-- name: GetFile :one
select * from files where id = @id;

-- name: GetFileInfo :one
-- All but the content.
select id, hash, mimetype, created_by, created_at from files where id = @id;

-- name: ListOrganizationsOfFile :many
-- The organizations whose template versions use a file.
select distinct organization_id from template_versions where file_id = @file_id;
