import type { CustomRoleRequest, Role } from "../src/api/generated";
import { mockMay } from "./authcheck";
import { type Handlers, notFound, Refusal } from "./handler";
import { addOrganization, membersOf, toMember } from "./people";
import { organizationRoles } from "./roles";
import type { Store } from "./store";
import { checkName, conflict, forbidden, userOf } from "./useradmin";

export function organizationOf(store: Store, ref: string) {
  const found = store.people.organizations.find((o) => o.id === ref || o.name === ref);
  if (!found) throw notFound("Organization");
  return found;
}

const taken = (what: string) =>
  new Refusal(409, {
    code: "conflict",
    message: `${what} with this name exists already.`,
    validations: [{ field: "name", detail: "this name is taken; choose another." }],
  });

const roleFrom = (organization: string, body: CustomRoleRequest): Role => ({
  name: body.name,
  display_name: body.display_name || body.name,
  organization_id: organization,
  site_permissions: body.site_permissions ?? [],
  organization_permissions: body.organization_permissions ?? [],
  organization_member_permissions: body.organization_member_permissions ?? [],
  user_permissions: body.user_permissions ?? [],
});

export const organizations: Handlers = {
  "GET /api/v2/organizations": ({ store, user }) =>
    store.people.organizations.filter(
      (o) =>
        user.organization_ids?.includes(o.id) ||
        mockMay(user, { action: "read", object: { resource_type: "organization" } }),
    ),
  "POST /api/v2/organizations": ({ store, body, user }) => {
    if (!mockMay(user, { action: "create", object: { resource_type: "organization" } }))
      throw forbidden("create", "organization");
    checkName("name", body.name);
    if (store.people.organizations.some((o) => o.name === body.name)) throw taken("An organization");
    const made = addOrganization(store, body.name, body.display_name || body.name, {
      description: body.description ?? "",
      icon: body.icon ?? "",
    });
    userOf(store, "me", user).organization_ids!.push(made.id);
    store.people.orgRoles.set(`${made.id} ${user.id}`, ["organization-admin"]);
    return made;
  },
  "GET /api/v2/organizations/{organization}": ({ store, path }) => organizationOf(store, path.organization),
  "PATCH /api/v2/organizations/{organization}": ({ store, path, body }) => {
    const found = organizationOf(store, path.organization);
    if (body.name !== undefined) checkName("name", body.name);
    return Object.assign(found, body);
  },
  "DELETE /api/v2/organizations/{organization}": ({ store, path }) => {
    const found = organizationOf(store, path.organization);
    if (found.is_default) throw conflict("The default organization cannot be deleted.");
    store.people.organizations.splice(store.people.organizations.indexOf(found), 1);
    return { message: "Organization has been deleted." };
  },
  "GET /api/v2/organizations/{organization}/settings/workspace-sharing": ({ store, path }) => {
    const owners = store.people.sharing.get(organizationOf(store, path.organization).id) ?? "everyone";
    return {
      sharing_disabled: owners === "none",
      sharing_globally_disabled: false,
      shareable_workspace_owners: owners,
    };
  },
  "PATCH /api/v2/organizations/{organization}/settings/workspace-sharing": ({ store, path, body }) => {
    const owners = body.shareable_workspace_owners || (body.sharing_disabled ? "none" : "everyone");
    store.people.sharing.set(organizationOf(store, path.organization).id, owners);
    return {
      sharing_disabled: owners === "none",
      sharing_globally_disabled: false,
      shareable_workspace_owners: owners,
    };
  },
  "GET /api/v2/organizations/{organization}/paginated-members": ({ store, path, query }) => {
    const { id } = organizationOf(store, path.organization);
    const q = (query.q ?? "").toLowerCase();
    const all = membersOf(store, id).filter((u) => `${u.username} ${u.name} ${u.email}`.toLowerCase().includes(q));
    const at = Number(query.offset ?? 0);
    const page = all.slice(at, at + Number(query.limit ?? 50));
    return { members: page.map((u) => toMember(store, id, u)), count: all.length };
  },
  "DELETE /api/v2/organizations/{organization}/members/{user}": ({ store, path, user }) => {
    const { id } = organizationOf(store, path.organization);
    const target = userOf(store, path.user, user);
    target.organization_ids = target.organization_ids!.filter((o) => o !== id);
    store.people.orgRoles.delete(`${id} ${target.id}`);
    return undefined;
  },
  "PUT /api/v2/organizations/{organization}/members/{user}/roles": ({ store, path, body, user }) => {
    const { id } = organizationOf(store, path.organization);
    const target = userOf(store, path.user, user);
    store.people.orgRoles.set(`${id} ${target.id}`, body.roles ?? []);
    return toMember(store, id, target);
  },
  "GET /api/v2/organizations/{organization}/members/roles": ({ store, path, user }) => {
    const { id } = organizationOf(store, path.organization);
    const assignable = mockMay(user, { action: "assign", object: { resource_type: "assign_org_role" } });
    const own = store.people.roles.filter((r) => r.organization_id === id).map((r) => ({ ...r, built_in: false }));
    return [...organizationRoles, ...own].map((r) => ({ ...r, assignable }));
  },
  "POST /api/v2/organizations/{organization}/members/roles": ({ store, path, body }) => {
    checkName("name", body.name);
    if (store.people.roles.some((r) => r.name === body.name)) throw taken("A role");
    const made = roleFrom(organizationOf(store, path.organization).id, body);
    store.people.roles.push(made);
    return made;
  },
  "POST /api/v2/organizations/{organization}/members/{user}": ({ store, path, user }) => {
    const { id } = organizationOf(store, path.organization);
    const target = userOf(store, path.user, user);
    if (target.organization_ids?.includes(id)) throw conflict("The user is a member of the organization already.");
    target.organization_ids = [...(target.organization_ids ?? []), id];
    return toMember(store, id, target);
  },
  "PUT /api/v2/organizations/{organization}/members/roles": ({ store, path, body }) => {
    const found = store.people.roles.find((r) => r.name === body.name);
    if (!found) throw notFound("Role");
    return Object.assign(found, roleFrom(organizationOf(store, path.organization).id, body));
  },
  "DELETE /api/v2/organizations/{organization}/members/roles/{roleName}": ({ store, path }) => {
    store.people.roles = store.people.roles.filter((r) => r.name !== path.roleName);
    for (const [key, names] of store.people.orgRoles)
      store.people.orgRoles.set(
        key,
        names.filter((name) => name !== path.roleName),
      );
    return undefined;
  },
};
