import type { AuthorizationCheck, User } from "../src/api/generated";
import type { Handlers } from "./handler";

/** What site roles may, as "action type"; "*" is every action. The owner may everything. */
const roles: Record<string, string[]> = {
  auditor: [
    "read audit_log",
    "read connection_log",
    "read deployment_config",
    "read deployment_stats",
    "read user",
    "read organization",
    "read group",
    "read template",
  ],
  "user-admin": ["* user", "read organization", "* organization_member", "* group"],
  "template-admin": ["* template", "read user", "read organization", "read organization_member", "read workspace"],
};
const everybody = ["read organization", "read organization_member", "read template", "use template"];

/** mockMay says what the mock lets a person do. The policy itself is the server's. */
export function mockMay(user: User, check: AuthorizationCheck): boolean {
  const held = user.roles?.map((r) => r.name) ?? [];
  if (held.includes("owner")) return true;
  const { resource_type, owner_id, organization_id, any_org } = check.object;
  if (owner_id === "me" || owner_id === user.id) return true;
  const given = held.flatMap((name) => roles[name] ?? []);
  if (any_org || organization_id) given.push(...everybody);
  return given.includes(`${check.action} ${resource_type}`) || given.includes(`* ${resource_type}`);
}

export const authcheck: Handlers = {
  "POST /api/v2/authcheck": ({ body, user }) =>
    Object.fromEntries(Object.entries(body.checks).map(([name, check]) => [name, mockMay(user, check)])),
};
