import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { membersPage, organizationGroups, organizationRoles } from "@/api/people";
import { read } from "@/api/queries";
import { listed, signedIn, text } from "./base";

const organizations = createRoute({
  getParentRoute: () => signedIn,
  path: "/organizations",
  beforeLoad: async ({ context }) => {
    const all = await context.client.fetchQuery(
      read("GET /api/v2/users/{user}/organizations", { path: { user: "me" } }),
    );
    // An owner may look after organizations without being in one.
    const own = all?.length ? all : await context.client.fetchQuery(read("GET /api/v2/organizations"));
    const first = own?.find((o) => o.is_default) ?? own?.[0];
    if (first)
      throw redirect({ to: "/organizations/$organization", params: { organization: first.name }, replace: true });
  },
  staticData: { area: "/organizations" },
  component: lazyRouteComponent(() => import("../pages/organization/none")),
});

const newOrganization = createRoute({
  getParentRoute: () => signedIn,
  path: "/organizations/new",
  staticData: { area: "/organizations", crumbs: () => ["New"] },
  component: lazyRouteComponent(() => import("../pages/neworganization/page")),
});

const organization = createRoute({
  getParentRoute: () => signedIn,
  path: "/organizations/$organization",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? ""] },
  loader: ({ context, params }) =>
    void context.client.prefetchQuery(
      read("GET /api/v2/organizations/{organization}", { path: { organization: params.organization } }),
    ),
  component: lazyRouteComponent(() => import("../pages/organization/layout")),
});

const members = createRoute({
  getParentRoute: () => organization,
  path: "/",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Members"] },
  validateSearch: listed,
  loaderDeps: ({ search }) => search,
  loader: ({ context, params, deps }) => void context.client.prefetchQuery(membersPage(params.organization, deps)),
  component: lazyRouteComponent(() => import("../pages/organization/members")),
});

const groups = createRoute({
  getParentRoute: () => organization,
  path: "groups",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Groups"] },
  validateSearch: listed,
  loader: ({ context, params }) => void context.client.prefetchQuery(organizationGroups(params.organization)),
  component: lazyRouteComponent(() => import("../pages/organization/groups")),
});

const roles = createRoute({
  getParentRoute: () => organization,
  path: "roles",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Roles"] },
  validateSearch: (search: Record<string, unknown>): { role?: string; make?: boolean } => ({
    role: text(search.role),
    make: search.make === true ? true : undefined,
  }),
  loader: ({ context, params }) => void context.client.prefetchQuery(organizationRoles(params.organization)),
  component: lazyRouteComponent(() => import("../pages/organization/roles")),
});

const organizationSettings = createRoute({
  getParentRoute: () => organization,
  path: "settings",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Settings"] },
  component: lazyRouteComponent(() => import("../pages/organization/settings")),
});

const provisioners = createRoute({
  getParentRoute: () => organization,
  path: "provisioners",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Provisioners"] },
  validateSearch: (search: Record<string, unknown>): { offline?: true } => ({
    offline: search.offline === true || undefined,
  }),
  loaderDeps: ({ search }) => ({ offline: search.offline }),
  loader: ({ context, params, deps }) => {
    const place = { path: { organization: params.organization }, query: { offline: deps.offline, limit: 1000 } };
    void context.client.prefetchQuery(read("GET /api/v2/organizations/{organization}/provisionerdaemons", place));
  },
  component: lazyRouteComponent(() => import("../pages/provisioners/daemons")),
});

const jobs = createRoute({
  getParentRoute: () => organization,
  path: "provisioner-jobs",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Provisioner jobs"] },
  validateSearch: (search: Record<string, unknown>): { status?: string; job?: string } => ({
    status: text(search.status),
    job: text(search.job),
  }),
  loaderDeps: ({ search }) => ({ status: search.status }),
  loader: ({ context, params, deps }) => {
    const place = { path: { organization: params.organization }, query: { status: deps.status, limit: 100 } };
    void context.client.prefetchQuery(read("GET /api/v2/organizations/{organization}/provisionerjobs", place));
  },
  component: lazyRouteComponent(() => import("../pages/provisioners/jobs")),
});

const keys = createRoute({
  getParentRoute: () => organization,
  path: "provisioner-keys",
  staticData: { area: "/organizations", crumbs: ({ organization }) => [organization ?? "", "Provisioner keys"] },
  loader: ({ context, params }) => {
    const place = { path: { organization: params.organization } };
    void context.client.prefetchQuery(read("GET /api/v2/organizations/{organization}/provisionerkeys/daemons", place));
  },
  component: lazyRouteComponent(() => import("../pages/provisioners/keys")),
});

const group = createRoute({
  getParentRoute: () => organization,
  path: "groups/$group",
  staticData: { area: "/organizations", crumbs: ({ organization, group }) => [organization ?? "", group ?? ""] },
  validateSearch: listed,
  component: lazyRouteComponent(() => import("../pages/organization/group")),
});

export const organizationRoutes = [
  organizations,
  newOrganization,
  organization.addChildren([members, groups, group, roles, organizationSettings, provisioners, jobs, keys]),
] as const;
