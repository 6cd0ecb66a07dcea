-- name: ReserveLoginAttempt :many
-- Counts an attempt before it is made, so that many at once cannot all slip
-- through, and forgets some that are too old to matter. The lock of a subject,
-- held until the row is visible, makes its ids rise in the order in which others
-- can see them: without it, two attempts may each miss the other in their count.
with purged as (
    delete from login_failures f where f.id in (
        select o.id from login_failures o where o.at < now() - interval '1 hour'
        order by o.at limit 100 for update skip locked)
), locked as materialized (
    select s.subject, pg_advisory_xact_lock(hashtextextended('login attempt ' || s.subject, 0))::text
    from (select distinct u.subject from unnest(@subjects::text[]) as u (subject) order by u.subject) s
)
insert into login_failures (subject)
select l.subject from locked l
returning id, subject;

-- name: CountLoginAttempts :one
-- Attempts on one subject in the window up to and including the given one.
select count(*) from login_failures
where subject = @subject and id <= @id
    and at > now() - make_interval(secs => @seconds::float8);

-- name: DeleteLoginAttempts :exec
delete from login_failures where id = any (@ids::bigint[]);

-- name: PutLoginSource :exec
insert into login_sources (user_id, source) values (@user_id, @source)
on conflict (user_id, source) do update set at = now();

-- name: DeleteOldLoginSources :exec
delete from login_sources where user_id = @user_id and at < now() - interval '90 days';

-- name: GetUserForLogin :one
-- The user of an e-mail address, and whether they signed in from source lately.
select sqlc.embed(u), exists (
    select 1 from login_sources s
    where s.user_id = u.id and s.source = @source and s.at > now() - interval '30 days'
) as known_source
from users u
where lower(u.email) = lower(@email) and u.email <> '' and not u.deleted;
