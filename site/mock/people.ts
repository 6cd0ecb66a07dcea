import { randomUUID } from "node:crypto";
import type { Group, Organization, OrganizationMember, Role, User } from "../src/api/generated";
import { permissions } from "./roles";
import type { Store } from "./store";
import { addUser } from "./users";

export interface PeopleStore {
  organizations: Organization[];
  /** orgRoles are the roles of members, by "organization user". */
  orgRoles: Map<string, string[]>;
  groups: (Omit<Group, "members" | "total_member_count"> & { users: string[] })[];
  roles: Role[];
  /** sharing is who may share workspaces, by organization. */
  sharing: Map<string, "none" | "everyone" | "service_accounts">;
}

const first = "11111111-1111-4111-8111-111111111111";

export function addOrganization(store: Store, name: string, display_name: string, more: Partial<Organization> = {}) {
  const at = new Date().toISOString();
  const organization: Organization = {
    id: randomUUID(),
    name,
    display_name,
    description: "",
    icon: "",
    is_default: false,
    created_at: at,
    updated_at: at,
    default_org_member_roles: ["organization-workspace-access"],
    ...more,
  };
  store.people.organizations.push(organization);
  addGroup(store, organization, "Everyone", { id: organization.id, display_name: "Everyone" });
  return organization;
}

export function addGroup(
  store: Store,
  organization: Organization,
  name: string,
  more: Partial<PeopleStore["groups"][number]> = {},
) {
  const group = {
    id: randomUUID(),
    name,
    display_name: "",
    avatar_url: "",
    organization_id: organization.id,
    organization_name: organization.name,
    organization_display_name: organization.display_name,
    quota_allowance: 0,
    source: "user",
    users: [],
    ...more,
  };
  store.people.groups.push(group);
  return group;
}

export const without = ({ password: _, ...user }: Store["users"][number]): User => user;

export const membersOf = (store: Store, organization: string) =>
  store.users
    .filter((u) => u.organization_ids?.includes(organization))
    .sort((a, b) => a.username.localeCompare(b.username));

export function toMember(store: Store, organization: string, u: User): OrganizationMember {
  const roles = store.people.orgRoles.get(`${organization} ${u.id}`) ?? [];
  return {
    user_id: u.id,
    organization_id: organization,
    username: u.username,
    name: u.name,
    email: u.email,
    avatar_url: u.avatar_url,
    roles: roles.map((name) => ({
      name,
      display_name: store.people.roles.find((r) => r.name === name)?.display_name ?? titled(name),
      organization_id: organization,
    })),
    global_roles: u.roles,
    is_service_account: u.is_service_account,
    status: u.status,
    login_type: u.login_type,
    last_seen_at: u.last_seen_at,
    created_at: u.created_at,
    updated_at: u.updated_at,
    user_created_at: u.created_at,
    user_updated_at: u.updated_at,
  };
}

export const titled = (name: string) => name.replace(/(^|-)(\w)/g, (_, dash, c) => (dash ? " " : "") + c.toUpperCase());

export function newPeople(): PeopleStore {
  return { organizations: [], orgRoles: new Map(), groups: [], roles: [], sharing: new Map() };
}

/** hostile is what somebody who means harm would call themselves. */
export const hostile = '<img src=x onerror=alert(1)> \u001b[31m\u202Egnp.exe "><script>alert(1)</script>';

export function seedPeople(store: Store) {
  const people = store.people;
  const main = addOrganization(store, "default", "Example Works", { id: first, is_default: true });
  const lab = addOrganization(store, "research-lab", "Research lab", { description: hostile.repeat(3) });
  const [alice, bob, carol] = store.users;
  alice!.name = "Alice Arnold";
  bob!.name = "Bob Berg";
  alice!.organization_ids!.push(lab.id);
  const add = (name: string, full: string, more: Partial<User> = {}) =>
    Object.assign(addUser(store, name, `${name}@example.test`, "hunter22-mock"), { name: full, ...more });
  const day = (n: number) => new Date(Date.now() - n * 86_400_000).toISOString();
  const dave = add("dave", "Dave Dorn", { roles: [{ name: "user-admin", display_name: "User Admin" }] });
  add("erin", "Erin Elliot", { status: "dormant", last_seen_at: day(120), login_type: "oidc" });
  const mallory = add("mallory", hostile, {
    status: "suspended",
    last_seen_at: day(9),
    avatar_url: "javascript:alert(1)",
  });
  add("deploy-robot", "", { email: "", is_service_account: true, login_type: "none", last_seen_at: day(0) });
  add("grace", "Grace Hall", {
    last_seen_at: day(2),
    login_type: "github",
    roles: [
      { name: "template-admin", display_name: "Template Admin" },
      { name: "auditor", display_name: "Auditor" },
    ],
  });
  const set = (user: User, roles: string[]) => people.orgRoles.set(`${first} ${user.id}`, roles);
  set(bob!, ["organization-admin"]);
  set(carol!, ["pusher"]);
  set(dave, ["organization-user-admin", "organization-auditor"]);
  addGroup(store, main, "platform", {
    display_name: "Platform team",
    quota_allowance: 20,
    users: [alice!.id, bob!.id],
  });
  addGroup(store, main, "data", { display_name: hostile, users: [carol!.id, mallory.id], quota_allowance: 5 });
  addGroup(store, main, "contractors", { source: "oidc" });
  const role = (name: string, display_name: string, table: Record<string, string>): Role => ({
    name,
    display_name,
    organization_id: first,
    site_permissions: [],
    organization_permissions: permissions(table),
    organization_member_permissions: [],
    user_permissions: [],
  });
  people.roles.push(role("pusher", "Template pusher", { template: "read update", file: "create read" }));
  people.roles.push(role("oddly-named", hostile, { group: "read" }));
}
