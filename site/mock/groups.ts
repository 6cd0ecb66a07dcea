import type { Group, ReducedUser } from "../src/api/generated";
import { mockMay } from "./authcheck";
import { type Handlers, invalid, notFound } from "./handler";
import { organizationOf } from "./organizations";
import { addGroup, membersOf, type PeopleStore, without } from "./people";
import type { Store } from "./store";
import { checkName, conflict, forbidden } from "./useradmin";

type Stored = PeopleStore["groups"][number];

function usersOf(store: Store, group: Stored): ReducedUser[] {
  const all = group.id === group.organization_id ? membersOf(store, group.organization_id) : store.users;
  return all.filter((u) => group.id === group.organization_id || group.users.includes(u.id)).map(without);
}

function toGroup(store: Store, { users: _, ...group }: Stored): Group {
  const members = usersOf(store, store.people.groups.find((g) => g.id === group.id)!);
  return { ...group, members, total_member_count: members.length };
}

function groupOf(store: Store, id: string) {
  const found = store.people.groups.find((g) => g.id === id);
  if (!found) throw notFound("Group");
  return found;
}

function named(store: Store, organization: string, name: string) {
  const { id } = organizationOf(store, organization);
  const found = store.people.groups.find((g) => g.organization_id === id && g.name === name);
  if (!found) throw notFound("Group");
  return found;
}

export const groups: Handlers = {
  "GET /api/v2/groups/{group}": ({ store, path }) => toGroup(store, groupOf(store, path.group)),
  "GET /api/v2/organizations/{organization}/groups": ({ store, path }) => {
    const { id } = organizationOf(store, path.organization);
    return store.people.groups.filter((g) => g.organization_id === id).map((g) => toGroup(store, g));
  },
  "POST /api/v2/organizations/{organization}/groups": ({ store, path, body, user }) => {
    if (!mockMay(user, { action: "create", object: { resource_type: "group" } })) throw forbidden("create", "group");
    checkName("name", body.name);
    if ((body.quota_allowance ?? 0) < 0) throw invalid("quota_allowance", "use a number of at least 0.");
    return toGroup(store, addGroup(store, organizationOf(store, path.organization), body.name, body));
  },
  "GET /api/v2/organizations/{organization}/groups/{groupName}": ({ store, path }) =>
    toGroup(store, named(store, path.organization, path.groupName)),
  "GET /api/v2/organizations/{organization}/groups/{groupName}/members": ({ store, path, query }) => {
    const q = (query.q ?? "").toLowerCase();
    const all = usersOf(store, named(store, path.organization, path.groupName)).filter((u) =>
      `${u.username} ${u.name} ${u.email}`.toLowerCase().includes(q),
    );
    const at = Number(query.offset ?? 0);
    return { users: all.slice(at, at + Number(query.limit ?? 50)), count: all.length };
  },
  "PATCH /api/v2/groups/{group}": ({ store, path, body }) => {
    const found = groupOf(store, path.group);
    const { add_users, remove_users, ...more } = body;
    if (more.name !== undefined) checkName("name", more.name);
    if ((more.quota_allowance ?? 0) < 0) throw invalid("quota_allowance", "use a number of at least 0.");
    Object.assign(found, more);
    found.users = [...new Set([...found.users, ...(add_users ?? [])])].filter((id) => !remove_users?.includes(id));
    return toGroup(store, found);
  },
  "DELETE /api/v2/groups/{group}": ({ store, path }) => {
    const found = groupOf(store, path.group);
    if (found.id === found.organization_id) throw conflict("The group of all members cannot be deleted.");
    const was = toGroup(store, found);
    store.people.groups.splice(store.people.groups.indexOf(found), 1);
    return was;
  },
};
