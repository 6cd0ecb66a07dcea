-- What people set for themselves. A user without a row has the defaults.
create table user_settings (
    user_id uuid primary key references users (id) on delete cascade,
    theme_mode text not null default '',
    theme_light text not null default '',
    theme_dark text not null default '',
    terminal_font text not null default '',
    -- A schedule such as "CRON_TZ=Europe/Berlin 0 2 * * *"; empty is the deployment's.
    quiet_hours_schedule text not null default '',
    preferences jsonb not null default '{}',
    updated_at timestamptz not null default now()
);

-- The number by which GitHub knows a user; 0 is unknown.
alter table users add column github_com_user_id bigint not null default 0;

-- What a key may touch beside its scopes: "*:*", or entries of the form type:id
-- that shut everything else out.
alter table api_keys add column allow_list text[] not null default '{*:*}';
