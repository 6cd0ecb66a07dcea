import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { usersPage } from "@/api/people";
import { read } from "@/api/queries";
import { listed, signedIn } from "./base";

const deployment = createRoute({
  getParentRoute: () => signedIn,
  id: "deployment",
  staticData: { area: "/deployment/overview" },
  component: lazyRouteComponent(() => import("../pages/deployment/layout")),
});

const overview = createRoute({
  getParentRoute: () => deployment,
  path: "/deployment/overview",
  staticData: { area: "/deployment/overview", crumbs: () => ["Settings"] },
  component: lazyRouteComponent(() => import("../pages/deployment/overview")),
});

const included = createRoute({
  getParentRoute: () => deployment,
  path: "/deployment/licenses",
  staticData: { area: "/deployment/overview", crumbs: () => ["What is included"] },
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
  component: lazyRouteComponent(() => import("../pages/health/page")),
});

const audit = createRoute({
  getParentRoute: () => deployment,
  path: "/audit",
  staticData: { area: "/deployment/overview", crumbs: () => ["Audit log"] },
  component: lazyRouteComponent(() => import("../pages/audit/page")),
});

const connections = createRoute({
  getParentRoute: () => deployment,
  path: "/connectionlog",
  staticData: { area: "/deployment/overview", crumbs: () => ["Connection log"] },
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
