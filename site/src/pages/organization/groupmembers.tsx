import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useState } from "react";
import { request } from "@/api/client";
import type { Group, ReducedUser } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { Person, UserStatus } from "@/components/person";
import { SearchBox } from "@/components/searchbox";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { IconButton } from "@/ui/button";
import { Field } from "@/ui/field";
import { Pager } from "@/ui/pager";
import { Suggest } from "@/ui/suggest";
import { groupEndpoints } from "./stale";
import { words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/groups/$group");
const size = 25;

export function GroupMembers({ group, allowed }: { group: Group; allowed: boolean | undefined }) {
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const everyone = group.id === group.organization_id;
  const { data, error, refetch } = useQuery({
    ...read("GET /api/v2/organizations/{organization}/groups/{groupName}/members", {
      path: { organization: group.organization_name, groupName: group.name },
      query: { q, limit: size, offset: (page - 1) * size },
    }),
    placeholderData: keepPreviousData,
  });
  const users = data?.users ?? [];
  const hidden = q || !data ? 0 : group.total_member_count - data.count;
  return (
    <Card title={words.groupMembers}>
      <div className="flex flex-col gap-3 px-4 py-4">
        {everyone ? <p className="text-muted">{words.everyoneFixed}</p> : null}
        {group.source === "oidc" ? <p className="text-muted">{words.fromSignInText}</p> : null}
        {!everyone && allowed ? <Add group={group} /> : null}
        {group.total_member_count > size || q ? (
          <div className="flex">
            <SearchBox
              label={words.searchMembers}
              placeholder={words.searchMembers}
              value={q}
              onChange={(text) => void navigate({ search: { q: text || undefined }, replace: true })}
            />
          </div>
        ) : null}
        {error ? <ApiErrorBox error={error} title={words.membersFailed} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-16" /> : null}
        {data && users.length === 0 ? (
          <p className="text-muted">{q ? words.nobody : hidden > 0 ? "" : words.groupEmpty}</p>
        ) : null}
        {users.length > 0 ? (
          <ul aria-label={words.groupMembers} className="-mx-4 border-line border-t">
            {users.map((u) => (
              <Member key={u.id} user={u} group={group} removable={!everyone && allowed === true} />
            ))}
          </ul>
        ) : null}
        {hidden > 0 ? <p className="text-muted text-sm">{words.hidden(hidden)}</p> : null}
        {data ? (
          <Pager
            page={page}
            size={size}
            count={data.count}
            onPage={(n) => void navigate({ search: { q: q || undefined, page: n > 1 ? n : undefined } })}
          />
        ) : null}
      </div>
    </Card>
  );
}

function Add({ group }: { group: Group }) {
  const [name, setName] = useState("");
  const found = useQuery({
    ...read("GET /api/v2/organizations/{organization}/paginated-members", {
      path: { organization: group.organization_id },
      query: { q: name.trim(), limit: 20 },
    }),
    placeholderData: keepPreviousData,
  }).data;
  const add = useChange(
    (user: { id: string; username: string }) =>
      request("PATCH /api/v2/groups/{group}", { path: { group: group.id }, body: { add_users: [user.id] } }),
    { stale: groupEndpoints, failed: words.notAdded, after: () => setName("") },
  );
  const inside = new Set(group.members?.map((m) => m.id));
  const others = (found?.members ?? []).filter((m) => !inside.has(m.user_id)).slice(0, 8);
  const pick = (username: string) => {
    const member = others.find((m) => m.username === username);
    if (member && !add.isPending) add.mutate({ id: member.user_id, username });
  };
  return (
    <div className="max-w-xl" aria-busy={add.isPending}>
      <Field label={words.addToGroup} hint={words.addToGroupHint}>
        <Suggest
          value={name}
          onChange={setName}
          onPick={pick}
          maxLength={64}
          empty={found ? words.addToGroupEmpty : undefined}
          suggestions={others.map((m) => ({ value: m.username, label: <Person user={m} size={24} /> }))}
        />
      </Field>
    </div>
  );
}

function Member({ user, group, removable }: { user: ReducedUser; group: Group; removable: boolean }) {
  const name = plain(user.username, 64);
  const remove = useChange(
    () => request("PATCH /api/v2/groups/{group}", { path: { group: group.id }, body: { remove_users: [user.id] } }),
    { stale: groupEndpoints, done: words.removedFromGroup(name), failed: words.notRemoved },
  );
  return (
    <li className="flex min-h-13 items-center gap-3 border-line border-b px-4 py-2">
      <div className={remove.isPending ? "min-w-0 flex-1 opacity-50" : "min-w-0 flex-1"}>
        <Person user={user} />
      </div>
      <span className="max-sm:hidden">
        <UserStatus status={user.status} />
      </span>
      {removable ? (
        <IconButton
          label={words.removeFromGroup(name)}
          aria-busy={remove.isPending}
          disabled={remove.isPending}
          onClick={() => remove.mutate()}
        >
          <X size={15} />
        </IconButton>
      ) : null}
    </li>
  );
}
