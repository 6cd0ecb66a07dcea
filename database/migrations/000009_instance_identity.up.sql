-- Agents are looked up by the id that a cloud has signed.
create index workspace_agents_instance on workspace_agents (auth_instance_id) where auth_instance_id <> '';
