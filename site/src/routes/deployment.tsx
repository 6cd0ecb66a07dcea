import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { usersPage } from "@/api/people";
import { read } from "@/api/queries";
import { logQuery } from "@/components/log";
import { auditRows, connectionRows } from "@/components/logrows";
import { listed, signedIn, text } from "./base";

const filtered = (search: Record<string, unknown>): { filter?: string } => ({ filter: text(search.filter) });

const deployment = createRoute({
  getParentRoute: () => signedIn,
  id: "deployment",
  staticData: { area: "/deployment/overview" },
  component: lazyRouteComponent(() => import("../pages/deployment/layout")),
});

const overview = createRoute({
  getParentRoute: () => deployment,
  path: "/deployment/overview",
  staticData: { area: "/deployment/overview", crumbs: () => ["Overview"] },
  validateSearch: (search: Record<string, unknown>): { search?: string; set?: boolean } => ({
    search: text(search.search),
    set: search.set === true || undefined,
  }),
  loader: ({ context: { client } }) => {
    void client.prefetchQuery(read("GET /api/v2/deployment/config"));
    void client.prefetchQuery(read("GET /api/v2/deployment/stats"));
    void client.prefetchQuery(read("GET /api/v2/deployment/ssh"));
  },
  component: lazyRouteComponent(() => import("../pages/deployment/overview")),
});

const included = createRoute({
  getParentRoute: () => deployment,
  path: "/deployment/licenses",
  staticData: { area: "/deployment/overview", crumbs: () => ["What is included"] },
  loader: ({ context: { client } }) => void client.prefetchQuery(read("GET /api/v2/entitlements")),
  component: lazyRouteComponent(() => import("../pages/deployment/included")),
});

const users = createRoute({
  getParentRoute: () => deployment,
  path: "/deployment/users",
  staticData: { area: "/deployment/overview", crumbs: () => ["Users"] },
  validateSearch: listed,
  loaderDeps: ({ search }) => search,
  loader: ({ context, deps }) => void context.client.prefetchQuery(usersPage(deps)),
  component: lazyRouteComponent(() => import("../pages/users/page")),
});

const health = createRoute({
  getParentRoute: () => deployment,
  path: "/health",
  staticData: { area: "/deployment/overview", crumbs: () => ["Health"] },
  loader: ({ context: { client } }) => void client.prefetchQuery(read("GET /api/v2/debug/health")),
  component: lazyRouteComponent(() => import("../pages/health/page")),
});

const audit = createRoute({
  getParentRoute: () => deployment,
  path: "/audit",
  staticData: { area: "/deployment/overview", crumbs: () => ["Audit log"] },
  validateSearch: filtered,
  loaderDeps: ({ search }) => ({ filter: search.filter ?? "" }),
  loader: ({ context, deps }) =>
    void context.client.prefetchInfiniteQuery(logQuery("GET /api/v2/audit", deps.filter, auditRows)),
  component: lazyRouteComponent(() => import("../pages/audit/page")),
});

const connections = createRoute({
  getParentRoute: () => deployment,
  path: "/connectionlog",
  staticData: { area: "/deployment/overview", crumbs: () => ["Connection log"] },
  validateSearch: filtered,
  loaderDeps: ({ search }) => ({ filter: search.filter ?? "" }),
  loader: ({ context, deps }) =>
    void context.client.prefetchInfiniteQuery(logQuery("GET /api/v2/connectionlog", deps.filter, connectionRows)),
  component: lazyRouteComponent(() => import("../pages/connectionlog/page")),
});

const user = createRoute({
  getParentRoute: () => deployment,
  path: "/deployment/users/$user",
  staticData: { area: "/deployment/overview", crumbs: ({ user }) => ["Users", user ?? ""] },
  loader: ({ context, params }) =>
    void context.client.prefetchQuery(read("GET /api/v2/users/{user}", { path: { user: params.user } })),
  component: lazyRouteComponent(() => import("../pages/users/user")),
});

export const deploymentRoutes = [
  deployment.addChildren([overview, included, users, user, health, audit, connections]),
] as const;
