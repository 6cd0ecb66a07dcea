-- Organizations, custom roles, groups and access lists.

alter table organizations
    -- Roles that every member holds without being given them.
    add column default_member_roles text[] not null default '{organization-workspace-access}',
    -- Whose workspaces may be shared.
    add column sharing_owners text not null default 'everyone'
        check (sharing_owners in ('none', 'everyone', 'service_accounts'));

create table custom_roles (
    organization_id uuid not null references organizations (id) on delete cascade,
    name text not null,
    display_name text not null default '',
    -- Arrays of {"resource_type", "action"}, by level.
    site_permissions jsonb not null default '[]',
    org_permissions jsonb not null default '[]',
    member_permissions jsonb not null default '[]',
    user_permissions jsonb not null default '[]',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index custom_roles_name on custom_roles (organization_id, lower(name));

-- The group whose id is that of its organization holds all members; it has no
-- rows in group_members.
create table groups (
    id uuid primary key,
    organization_id uuid not null references organizations (id) on delete cascade,
    name text not null,
    display_name text not null default '',
    avatar_url text not null default '',
    quota_allowance integer not null default 0,
    source text not null default 'user' check (source in ('user', 'oidc')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (organization_id, name)
);
create unique index groups_name on groups (organization_id, lower(name));

create table group_members (
    user_id uuid not null references users (id) on delete cascade,
    group_id uuid not null references groups (id) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (user_id, group_id)
);
create index group_members_group on group_members (group_id);

insert into groups (id, organization_id, name, display_name)
select id, id, 'Everyone', 'Everyone' from organizations;

-- Triggers, because the release before this one makes organizations and ends
-- memberships too.
create function make_everyone_group() returns trigger language plpgsql as $$
begin
    insert into groups (id, organization_id, name, display_name) values (new.id, new.id, 'Everyone', 'Everyone');
    return null;
end $$;
create trigger organizations_everyone after insert on organizations
    for each row execute function make_everyone_group();

-- Whoever leaves an organization leaves its groups and access lists.
create function leave_organization() returns trigger language plpgsql as $$
begin
    delete from group_members m using groups g
    where g.id = m.group_id and g.organization_id = old.organization_id and m.user_id = old.user_id;
    update templates t set acl = array(select e from unnest(t.acl) e where e not like 'u:' || old.user_id || ':%')
    where t.organization_id = old.organization_id and t.acl && array['u:' || old.user_id || ':use', 'u:' || old.user_id || ':admin'];
    update workspaces w set acl = array(select e from unnest(w.acl) e where e not like 'u:' || old.user_id || ':%')
    where w.organization_id = old.organization_id and w.acl && array['u:' || old.user_id || ':use', 'u:' || old.user_id || ':admin'];
    return null;
end $$;
create trigger organization_members_leave after delete on organization_members
    for each row execute function leave_organization();

-- Nothing is made in an organization that is being deleted: the deletion holds
-- its row alone.
create function need_living_organization() returns trigger language plpgsql as $$
begin
    perform 1 from organizations where id = new.organization_id and not deleted for key share;
    if not found then
        raise exception 'organization % does not exist', new.organization_id using errcode = 'foreign_key_violation',
            constraint = 'living_organization';
    end if;
    return new;
end $$;
create trigger templates_organization before insert on templates for each row execute function need_living_organization();
create trigger members_organization before insert on organization_members for each row execute function need_living_organization();
create trigger groups_organization before insert on groups for each row execute function need_living_organization();
create trigger roles_organization before insert on custom_roles for each row execute function need_living_organization();
create trigger keys_organization before insert on provisioner_keys for each row execute function need_living_organization();

-- Access lists: entries such as "u:<user id>:use" and "g:<group id>:admin". A
-- template without a list is for everyone in its organization.
alter table templates add column acl text[];
alter table workspaces add column acl text[] not null default '{}';
create index workspaces_acl on workspaces using gin (acl) where acl <> '{}';

-- The policy as a condition of lists: coderd/rbac compiles roles, groups and scopes
-- of a caller into the first seven arguments (rbac.Filter). It is small enough to be
-- inlined into the query around it. Later releases that need another condition make
-- another function: the release before them still calls this one.
create function rbac_visible(
    everything boolean, orgs uuid[], owner uuid, member_of uuid[], at_large boolean, shared_in uuid[], entries text[],
    object_org uuid, object_owner uuid, object_acl text[]
) returns boolean language sql immutable as $$
    select everything
        or object_org = any (orgs)
        or object_owner = owner and (object_org = any (member_of) or object_org is null and at_large)
        or object_org = any (shared_in) and object_acl && entries
$$;
