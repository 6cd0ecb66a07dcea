import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { basePath } from "@/api/base";
import { ApiError } from "@/api/client";
import { builds, firstUser, me, workspace, workspaces } from "@/api/queries";
import { NotFound, PageError, PagePending } from "@/components/pagestates";
import { listLimit } from "@/lib/limits";

// Every page of the dashboard. A page is lazy: its code comes when it is opened. Its
// loader starts what it reads; it does not wait for it, the page shows what is there.

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  notFoundComponent: () => <NotFound />,
});

const text = (value: unknown) => (typeof value === "string" && value.length <= 4096 ? value : undefined);

const index = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/workspaces", replace: true });
  },
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search: Record<string, unknown>): { redirect?: string } => ({ redirect: text(search.redirect) }),
  beforeLoad: async ({ context }) => {
    const there = await context.client.ensureQueryData(firstUser()).catch(() => true);
    if (!there) throw redirect({ to: "/setup", replace: true });
  },
  component: lazyRouteComponent(() => import("./pages/login/page")),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  beforeLoad: async ({ context }) => {
    if (await context.client.ensureQueryData(firstUser())) throw redirect({ to: "/login", replace: true });
  },
  component: lazyRouteComponent(() => import("./pages/setup/page")),
});

/** Below it are the pages for who is signed in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "in",
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(me());
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // location.href is below the base path of the router.
      const back = location.pathname === "/workspaces" && !location.searchStr ? undefined : location.href;
      throw redirect({ to: "/login", search: { redirect: back }, replace: true });
    }
  },
  component: lazyRouteComponent(() => import("./components/shell"), "Shell"),
});

const workspacesPage = createRoute({
  getParentRoute: () => signedIn,
  path: "/workspaces",
  staticData: { area: "/workspaces" },
  validateSearch: (search: Record<string, unknown>): { filter?: string } => ({ filter: text(search.filter) }),
  loaderDeps: ({ search }) => ({ filter: search.filter ?? "owner:me" }),
  loader: ({ context, deps }) => void context.client.prefetchQuery(workspaces(deps.filter, listLimit)),
  component: lazyRouteComponent(() => import("./pages/workspaces/page")),
});

const workspacePage = createRoute({
  getParentRoute: () => signedIn,
  path: "/@{$owner}/$name",
  staticData: { area: "/workspaces", crumbs: ({ owner, name }) => [owner ?? "", name ?? ""] },
  validateSearch: (search: Record<string, unknown>): { tab?: string; build?: number } => ({
    tab: text(search.tab),
    build: Number.isSafeInteger(search.build) ? (search.build as number) : undefined,
  }),
  loader: async ({ context, params }) => {
    const found = await context.client.ensureQueryData(workspace(params.owner, params.name));
    void context.client.prefetchQuery(builds(found.id));
  },
  component: lazyRouteComponent(() => import("./pages/workspace/page")),
});

const tree = root.addChildren([index, login, setup, signedIn.addChildren([workspacesPage, workspacePage])]);

export function newRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    basepath: basePath || "/",
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageError,
    defaultPendingComponent: PagePending,
    defaultNotFoundComponent: () => <NotFound />,
    defaultPendingMs: 150,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
  interface StaticDataRouteOption {
    /** area is the entry of the top bar that the page belongs to. */
    area?: string;
    /** crumbs are what stands beside it. */
    crumbs?: (params: Record<string, string>) => string[];
  }
}
