-- name: InsertTemplateVersion :exec
insert into template_versions (id, template_id, organization_id, name, message, job_id, file_id, created_by)
values (@id, @template_id, @organization_id, @name, @message, @job_id, @file_id, @created_by);

-- name: GetTemplateVersionRow :one
select * from template_versions where id = @id;

-- name: LockTemplateVersion :one
select * from template_versions where id = @id for update;

-- name: ListTemplateVersions :many
-- By id, or those of a template, newest first; after_id is the last one seen.
select sqlc.embed(v), u.username, u.name as user_full_name, u.avatar_url
from template_versions v
join users u on u.id = v.created_by
where (sqlc.narg('id')::uuid is null or v.id = sqlc.narg('id')::uuid)
    and (sqlc.narg('template_id')::uuid is null or v.template_id = sqlc.narg('template_id')::uuid)
    and (@name::text = '' or lower(v.name) = lower(@name::text))
    and (@include_archived::boolean or not v.archived)
    and (sqlc.narg('after_id')::uuid is null or (v.created_at, v.id) < (
        select a.created_at, a.id from template_versions a
        where a.id = sqlc.narg('after_id')::uuid and a.template_id = v.template_id))
order by v.created_at desc, v.id desc
limit @max_rows offset @skip_rows;

-- name: AttachTemplateVersion :execrows
update template_versions set template_id = @template_id, updated_at = now()
where id = @id and template_id is null;

-- name: UpdateTemplateVersion :execrows
update template_versions set name = @name, message = @message, updated_at = now() where id = @id;

-- name: SetTemplateVersionArchived :execrows
update template_versions set archived = @archived, updated_at = now()
where id = @id and archived <> @archived;

-- name: SetTemplateVersionReadme :execrows
update template_versions set readme = @readme, updated_at = now() where id = @id;

-- name: PutTemplateVersionInputs :exec
insert into template_version_inputs (template_version_id, variables) values (@template_version_id, @variables)
on conflict (template_version_id) do update set variables = excluded.variables;

-- name: GetTemplateVersionInputs :one
select variables from template_version_inputs where template_version_id = @template_version_id;

-- name: InsertTemplateVersionVariable :exec
insert into template_version_variables (template_version_id, ordinal, name, description, type, value,
    default_value, required, sensitive)
values (@template_version_id, @ordinal, @name, @description, @type, @value,
    @default_value, @required, @sensitive);

-- name: ListTemplateVersionVariables :many
select * from template_version_variables where template_version_id = @template_version_id order by ordinal;

-- name: InsertTemplateVersionParameter :exec
insert into template_version_parameters (template_version_id, ordinal, name, body)
values (@template_version_id, @ordinal, @name, @body);

-- name: ListTemplateVersionParameters :many
select * from template_version_parameters where template_version_id = @template_version_id order by ordinal;

-- name: GetTemplateMetaOfVersion :one
-- What an import may know about its surroundings.
select v.id, v.name as version_name, v.template_id, coalesce(t.name, '')::text as template_name,
    t.active_version_id, u.id as user_id, u.username, u.name as user_full_name, u.email, u.login_type
from template_versions v
join users u on u.id = v.created_by
left join templates t on t.id = v.template_id and not t.deleted
where v.id = @id;
