-- name: PutNetworkNodes :many
-- Writes what a replica says of its own nodes. A connection without a number gets the
-- next one. The newest connection wins; an ordinary client and a router keep the key
-- that they came with, no key belongs to two nodes, and no client has the id of an
-- agent or a router. Says of each what became of it: written, the same as before, or
-- why not. None of these means that somebody else was faster: ask again.
with r as materialized (
    select unnest(@ids::uuid[]) as id, unnest(@agent_ids::uuid[]) as agent_id, unnest(@kinds::text[]) as kind,
        unnest(@sessions::bigint[]) as session, unnest(@connections::bigint[]) as connection,
        unnest(@node_keys::text[]) as node_key, unnest(@nodes::text[]) as node, unnest(@wants::text[]) as wants,
        unnest(@fading::boolean[]) as fading, unnest(@gone::boolean[]) as gone, unnest(@departed::boolean[]) as departed
), x as materialized (
    select r.id, r.agent_id, r.kind, r.session,
        coalesce(nullif(r.connection, 0), nextval('network_connections')) as connection,
        r.node_key, r.node::jsonb as node, r.wants::uuid[] as wants, r.fading, r.gone, r.departed
    from r
), judged as materialized (
    select x.id, x.agent_id, x.kind, x.session, x.connection, x.node_key, x.node, x.wants, x.fading, x.gone, x.departed,
        (not x.gone and exists (select 1 from network_nodes o where o.node_key = x.node_key and not o.gone
            and (o.id, o.agent_id) <> (x.id, x.agent_id)))::boolean as key_taken,
        (x.kind = 'client' and exists (select 1 from network_nodes o where o.id = x.id and not o.gone
            and o.agent_id = '00000000-0000-0000-0000-000000000000'))::boolean as foreign_id
    from x
), put as (
    insert into network_nodes as n (id, agent_id, kind, replica_id, connection, node_key, node, wants, fading_since,
        gone, departed, writer, changed)
    select id, agent_id, kind, @replica::uuid, connection, node_key, node, wants, case when fading then now() end,
        gone, departed, @replica::uuid, pg_current_xact_id()
    from judged where not key_taken and not foreign_id
    order by id, agent_id
    on conflict (id, agent_id) do update
    set kind = excluded.kind, replica_id = excluded.replica_id, connection = excluded.connection,
        node_key = excluded.node_key, node = excluded.node, wants = excluded.wants,
        fading_since = case when excluded.fading_since is not null then coalesce(n.fading_since, excluded.fading_since) end,
        gone = excluded.gone, departed = excluded.departed, writer = excluded.writer, changed = excluded.changed,
        updated_at = now()
    where n.connection < excluded.connection
            and (n.gone or excluded.kind = 'agent' or n.kind = excluded.kind and n.node_key = excluded.node_key)
        or n.connection = excluded.connection and not n.departed
            and (n.node, n.wants, n.fading_since is not null, n.gone, n.departed, n.replica_id)
                is distinct from (excluded.node, excluded.wants, excluded.fading_since is not null, excluded.gone,
                    excluded.departed, excluded.replica_id)
    returning n.id, n.agent_id
)
select j.id::uuid as id, j.agent_id::uuid as agent_id, j.session::bigint as session, j.connection::bigint as connection,
    (put.id is not null)::boolean as written,
    coalesce(n.connection = j.connection and (n.node, n.wants, n.fading_since is not null, n.gone, n.departed, n.replica_id)
        is not distinct from (j.node, j.wants, j.fading, j.gone, j.departed, @replica::uuid), false)::boolean as same,
    j.key_taken,
    (j.foreign_id or coalesce(not n.gone and n.kind <> 'agent' and j.kind <> 'agent' and n.node_key <> j.node_key
        or not n.gone and n.kind = 'agent' and j.kind = 'router', false))::boolean as id_taken,
    coalesce(n.connection > j.connection, false)::boolean as newer,
    coalesce(n.connection = j.connection and n.departed, false)::boolean as dropped
from judged j
left join put on put.id = j.id and put.agent_id = j.agent_id
left join network_nodes n on n.id = j.id and n.agent_id = j.agent_id;

-- name: EndNetworkNodes :execrows
-- Ends nodes whatever replica they are of: those that fade when departed is false, and
-- agents that are not wanted any more. Connection 0 is any.
update network_nodes n set gone = true, departed = r.departed, changed = pg_current_xact_id(), updated_at = now(),
    writer = '00000000-0000-0000-0000-000000000000'
from jsonb_to_recordset(@rows::jsonb) as r(id uuid, agent_id uuid, connection bigint, departed boolean)
where n.id = r.id and n.agent_id = r.agent_id and (r.connection = 0 or n.connection = r.connection)
    and not n.gone and (r.departed or n.fading_since is not null);

-- name: FadeNetworkNodes :execrows
-- The nodes of replicas that are no more begin to fade.
update network_nodes set fading_since = now(), changed = pg_current_xact_id(), updated_at = now(),
    writer = '00000000-0000-0000-0000-000000000000'
where replica_id = any(@replicas::uuid[]) and fading_since is null and not gone;

-- name: GetNetworkSnapshot :one
-- What is visible now; see ListChangedNetworkNodes.
select pg_current_snapshot()::text as snapshot;

-- name: ListNetworkNodes :many
-- All of them, page by page.
select id, agent_id, kind, replica_id, connection, node, wants, (fading_since is not null)::boolean as fading, gone, departed
from network_nodes
where (id, agent_id) > (@after_id::uuid, @after_agent::uuid)
order by id, agent_id
limit @most;

-- name: ListChangedNetworkNodes :many
-- Those that were written since a snapshot was taken, but not by this replica about its
-- own, page by page. Transactions that were under way then are not missed, however
-- late they ended.
with c as materialized (
    select id, agent_id, kind, replica_id, connection, node, wants, fading_since, gone, departed
    from network_nodes
    where changed >= pg_snapshot_xmin(cast(@since::text as pg_snapshot))
        and not pg_visible_in_snapshot(changed, cast(@since::text as pg_snapshot))
        and writer <> @replica
)
select c.id, c.agent_id, c.kind, c.replica_id, c.connection, c.node, c.wants, (c.fading_since is not null)::boolean as fading, c.gone, c.departed
from c
where (c.id, c.agent_id) > (@after_id::uuid, @after_agent::uuid)
order by c.id, c.agent_id
limit @most;

-- name: DeleteGoneNetworkNodes :execrows
-- Removes those that were gone already when a snapshot was taken.
delete from network_nodes where gone and changed < pg_snapshot_xmin(cast(@before::text as pg_snapshot));
