-- name: InsertTemplateVersionPreset :exec
insert into template_version_presets (id, template_version_id, ordinal, name, description, icon, is_default,
    desired_prebuild_instances, parameters)
values (@id, @template_version_id, @ordinal, @name, @description, @icon, @is_default,
    @desired_prebuild_instances, @parameters);

-- name: ListTemplateVersionPresets :many
select * from template_version_presets where template_version_id = @template_version_id order by ordinal;

-- name: GetTemplateVersionPreset :one
select * from template_version_presets where id = @id and template_version_id = @template_version_id;

-- name: SetTemplateVersionLanguage :execrows
-- What an import found beside parameters, variables and resources.
update template_versions set has_external_agent = @has_external_agent, external_auth = @external_auth,
    workspace_tags = @workspace_tags, uses_owner_session = @uses_owner_session,
    uses_owner_ssh_key = @uses_owner_ssh_key, updated_at = now()
where id = @id;
