-- name: ListSigningKeys :many
-- Those that may still be read, newest first, by the clock of the database.
select id, secret, extract(epoch from now() - created_at)::float8 as age_seconds from signing_keys
where purpose = @purpose and created_at > now() - make_interval(secs => @max_age::float8)
order by id desc;

-- name: LockSigningKeys :exec
-- Whoever makes a key holds this until the end of the transaction.
select pg_advisory_xact_lock(hashtextextended('signing_keys:' || @purpose::text, 0));

-- name: InsertSigningKey :exec
insert into signing_keys (purpose, secret) values (@purpose, @secret);

-- name: DeleteOldSigningKeys :exec
delete from signing_keys where purpose = @purpose and created_at <= now() - make_interval(secs => @max_age::float8);

-- name: DropOldSealedSigningKeys :execrows
-- Keys that another than the newest key of the ring has sealed: new ones are made.
delete from signing_keys where substring(secret from 2 for 4) <> @key_id::bytea;

-- name: DeleteSealedSigningKeys :execrows
delete from signing_keys where substring(secret from 1 for 1) = '\x01'::bytea;
