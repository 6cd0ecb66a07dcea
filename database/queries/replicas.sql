-- name: InsertReplica :execrows
-- No row means that the id is another's.
insert into replicas (id, beat, hostname, version, relay_url, relay_key, region_id, database_latency_us, error, latencies)
values (@id, @beat, @hostname, @version, @relay_url, @relay_key, @region_id, @database_latency_us, @error, @latencies)
on conflict (id) do nothing;

-- name: BeatReplica :execrows
-- No row means that it was counted as gone, was swept, or that another has its id. A
-- beat that is lost with the database's last moment is followed by the next one.
with asynchronous as (select set_config('synchronous_commit', 'off', true) as setting)
update replicas set beat = @beat, updated_at = now(), database_latency_us = @database_latency_us, error = @error, latencies = @latencies
from asynchronous
where id = @id and beat < @beat and stopped_at is null and asynchronous.setting = 'off';

-- name: ReviveReplica :execrows
-- Whoever was counted as gone says that it is not.
update replicas set beat = @beat, updated_at = now(), stopped_at = null where id = @id and beat < @beat;

-- name: StopReplica :execrows
update replicas set stopped_at = now() where id = @id and stopped_at is null;

-- name: MarkReplicaGone :execrows
-- Only one whose beat is still the one that did not change.
update replicas set stopped_at = now() where id = @id and beat = @beat and stopped_at is null;

-- name: StopPredecessors :execrows
-- Processes that were at the address where @id is now.
update replicas set stopped_at = now()
where hostname = @hostname and relay_url = @relay_url and relay_url <> '' and id <> @id and stopped_at is null;

-- name: ListReplicas :many
-- Those that live first.
select * from replicas order by stopped_at is not null, created_at desc, id limit 500;

-- name: DeleteOldReplicas :execrows
delete from replicas where stopped_at < now() - make_interval(secs => @age::float8);
