-- The second condition of all lists: a token whose allow-list names single objects
-- sees these alone. coderd/rbac compiles the list (rbac.Filter).
create function rbac_named(anything boolean, named uuid[], object uuid) returns boolean language sql immutable as $$
    select anything or object = any (named)
$$;

-- Who was not seen for long becomes dormant.
create index users_idle on users (last_seen_at) where status = 'active' and not deleted;
