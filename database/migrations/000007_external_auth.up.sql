-- Sign-ins of users to services outside, such as Git servers.
create table external_auth_links (
    provider_id text not null,
    user_id uuid not null references users (id) on delete cascade,
    token bytea not null, -- encrypted JSON of externalauth.token
    has_refresh boolean not null,
    version integer not null default 1, -- grows with each new token
    expires_at timestamptz, -- null: never
    refresh_at timestamptz, -- null: only when expired
    invalid boolean not null default false, -- the service has said that the token is not good any more
    failure text not null default '', -- why the token is not good, or cannot be refreshed
    validated_at timestamptz,
    claimed_until timestamptz, -- who refreshes has it until then
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (provider_id, user_id)
);
create index external_auth_links_user on external_auth_links (user_id);

-- Sign-ins that have begun and wait for the browser to come back.
create table external_auth_flows (
    state_hash bytea primary key, -- SHA-256 of the state in the URL
    provider_id text not null,
    user_id uuid not null references users (id) on delete cascade,
    api_key_id text not null references api_keys (id) on delete cascade, -- the session that began it
    redirect text not null default '', -- path of ours to go on to
    created_at timestamptz not null default now()
);
create index external_auth_flows_user on external_auth_flows (user_id, created_at);
create index external_auth_flows_created on external_auth_flows (created_at);
create index external_auth_flows_key on external_auth_flows (api_key_id);
