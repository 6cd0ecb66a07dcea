-- name: AcquireLease :one
-- Takes a lease that is free or has run out; a new holder gets a new term. One that
-- runs out later than any can is of a time before the database's clock jumped back.
insert into leases (name, holder, term, expires_at)
values (@name, @holder, 1, now() + make_interval(secs => @seconds::float8))
on conflict (name) do update
set holder = excluded.holder, term = leases.term + 1, expires_at = excluded.expires_at
where leases.expires_at < now() or leases.expires_at > now() + make_interval(secs => 2 * @seconds::float8)
returning term;

-- name: RenewLease :execrows
update leases set expires_at = now() + make_interval(secs => @seconds::float8)
where name = @name and holder = @holder and term = @term and expires_at >= now();

-- name: ReleaseLease :execrows
update leases set expires_at = now() - interval '1 second'
where name = @name and holder = @holder and term = @term;

-- name: FenceLease :one
-- Whether a lease is held under a term. Until the transaction ends nobody takes it.
select true as held from leases
where name = @name and holder = @holder and term = @term and expires_at >= now()
for share;
