-- name: SearchOwnWorkspaces :one
-- SearchWorkspaces for a caller who may read no others than their own and those
-- that are shared with them: they are found by their owner and by their access
-- lists, where the other one walks through all that there are.
with near as materialized (
    select w.id from workspaces w where w.owner_id = @owner_filter::uuid and not w.deleted
    union
    select w.id from workspaces w where w.acl <> '{}' and w.acl && @entries::text[] and not w.deleted
), own as materialized (
    select w.id, w.last_used_at from near join workspaces w on w.id = near.id
    where rbac_visible(false, '{}', @owner_filter::uuid, @member_of::uuid[], @at_large::boolean, @shared_in::uuid[], @entries::text[],
            w.organization_id, w.owner_id, w.acl)
        and rbac_named(@anything::boolean, @named::uuid[], w.id)
        and (@owner::text = '' or w.owner_id = (select u.id from users u where lower(u.username) = lower(@owner::text) and not u.deleted))
        and (@template::text = '' or w.template_id in (select t.id from templates t where lower(t.name) = lower(@template::text) and not t.deleted))
        and (@organization::text = '' or w.organization_id = (select o.id from organizations o where lower(o.name) = lower(@organization::text) and not o.deleted))
        and (@name::text = '' or strpos(lower(w.name), lower(@name::text)) > 0)
        and (@exact_name::text = '' or lower(w.name) = lower(@exact_name::text))
        and (@status::text = '' or workspace_status(w.id) = @status::text)
), page as materialized (
    select array(select own.id from own order by own.last_used_at desc, own.id limit @max_rows offset @skip_rows)::uuid[] as ids
)
select p.ids, (select count(*) from own)::bigint as total,
    length(set_config('coder.page', p.ids::text, true))::integer as kept
from page p;
