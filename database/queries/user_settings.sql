-- name: GetUserSettings :one
select * from user_settings where user_id = @user_id;

-- name: EnsureUserSettings :exec
insert into user_settings (user_id) values (@user_id) on conflict do nothing;

-- name: LockUserSettings :one
select * from user_settings where user_id = @user_id for update;

-- name: UpdateUserAppearance :exec
update user_settings set theme_mode = @theme_mode, theme_light = @theme_light, theme_dark = @theme_dark,
    terminal_font = @terminal_font, updated_at = now()
where user_id = @user_id;

-- name: UpdateUserTheme :exec
update users set theme_preference = @theme_preference, updated_at = now()
where id = @id and not deleted;

-- name: UpdateUserQuietHours :exec
update user_settings set quiet_hours_schedule = @quiet_hours_schedule, updated_at = now()
where user_id = @user_id;

-- name: UpdateUserPreferences :exec
update user_settings set preferences = @preferences, updated_at = now()
where user_id = @user_id;
