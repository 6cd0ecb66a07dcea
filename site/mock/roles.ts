import type { AssignableRole, Permission } from "../src/api/generated";

type Table = Record<string, string>;

const crud = "create read update delete";
const site: Table = {
  user: `${crud} read_personal update_personal`,
  organization: crud,
  organization_member: crud,
  api_key: crud,
  template: `${crud} use view_insights`,
  file: "create read",
  workspace: `${crud} ssh application_connect start stop share create_agent update_agent delete_agent`,
  provisioner_daemon: crud,
  provisioner_jobs: "create read update",
  audit_log: "read",
  deployment_config: "read update",
  deployment_stats: "read",
  replicas: "read",
  debug_info: "read",
  assign_role: "read assign unassign",
  assign_org_role: `${crud} assign unassign`,
  group: crud,
  group_member: "read",
  connection_log: "read",
  workspace_proxy: crud,
};
const siteOnly = [
  "user",
  "api_key",
  "deployment_config",
  "deployment_stats",
  "replicas",
  "debug_info",
  "assign_role",
  "workspace_proxy",
];
const organization = Object.fromEntries(Object.entries(site).filter(([type]) => !siteOnly.includes(type)));

export function permissions(table: Table): Permission[] {
  return Object.entries(table).flatMap(([resource_type, actions]) =>
    actions.split(" ").map((action) => ({ resource_type, action })),
  );
}

const role = (name: string, display_name: string, more: Partial<AssignableRole>): AssignableRole => ({
  name,
  display_name,
  built_in: true,
  assignable: true,
  site_permissions: [],
  organization_permissions: [],
  organization_member_permissions: [],
  user_permissions: [],
  ...more,
});

/** The roles that the server has built in; what they permit is cut short where it does not matter. */
export const siteRoles = [
  role("owner", "Owner", { site_permissions: permissions(site) }),
  role("user-admin", "User Admin", {
    site_permissions: permissions({ user: site.user!, organization_member: crud, group: crud, assign_role: "read" }),
  }),
  role("template-admin", "Template Admin", {
    site_permissions: permissions({ template: site.template!, file: "create read", workspace: "read", user: "read" }),
  }),
  role("auditor", "Auditor", {
    site_permissions: permissions({
      audit_log: "read",
      connection_log: "read",
      user: "read",
      deployment_config: "read",
    }),
  }),
];

export const organizationRoles = [
  role("organization-admin", "Organization Admin", { organization_permissions: permissions(organization) }),
  role("organization-user-admin", "Organization User Admin", {
    organization_permissions: permissions({ organization_member: crud, group: crud, group_member: "read" }),
  }),
  role("organization-template-admin", "Organization Template Admin", {
    organization_permissions: permissions({ template: site.template!, workspace: "read", file: "create read" }),
  }),
  role("organization-auditor", "Organization Auditor", {
    organization_permissions: permissions({ audit_log: "read", connection_log: "read" }),
  }),
  role("organization-workspace-creation-ban", "Organization Workspace Creation Ban", {}),
  role("organization-workspace-access", "Organization Workspace Access", {
    organization_member_permissions: permissions({ workspace: site.workspace! }),
  }),
];
