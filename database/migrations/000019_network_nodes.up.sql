-- The nodes of the network whose websocket some replica serves, so that the others
-- learn of them. Each replica makes its own rows again: what is lost here heals.
create sequence network_connections;

create table network_nodes (
    id uuid not null,
    agent_id uuid not null, -- of ordinary clients; zero for agents and routers
    kind text not null check (kind in ('agent', 'client', 'router')),
    replica_id uuid not null, -- whose websocket it is or was
    -- Each websocket of a node has a larger number than those before it; the largest
    -- one is the node's.
    connection bigint not null,
    node_key text not null,
    node jsonb not null,
    wants uuid[] not null, -- agents that a client or a router asks for
    fading_since timestamptz, -- its websocket broke or its replica was lost; it may come back
    gone boolean not null, -- kept for a while, so that every replica hears of it
    departed boolean not null, -- gone, and does not come back with this connection
    writer uuid not null, -- the replica that wrote about its own node; zero: anybody about another's
    changed xid8 not null,
    updated_at timestamptz not null default now(),
    primary key (id, agent_id)
);

create unique index network_nodes_node_key on network_nodes (node_key) where not gone;
create index network_nodes_changed on network_nodes (changed);
