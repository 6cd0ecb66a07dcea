import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { basePath } from "@/api/base";
import { builds, workspace, workspaces } from "@/api/queries";
import { listLimit } from "@/lib/limits";
import { signedIn, text, whole } from "./base";

const workspacesPage = createRoute({
  getParentRoute: () => signedIn,
  path: "/workspaces",
  staticData: {
    area: "/workspaces",
    early: (client, search: { filter?: string }) =>
      void client.prefetchQuery(workspaces(search.filter ?? "owner:me", listLimit)),
  },
  validateSearch: (search: Record<string, unknown>): { filter?: string } => ({ filter: text(search.filter) }),
  component: lazyRouteComponent(() => import("../pages/workspaces/page")),
});

const workspacePage = createRoute({
  getParentRoute: () => signedIn,
  path: "/@{$owner}/$name",
  staticData: { area: "/workspaces", crumbs: ({ owner, name }) => [owner ?? "", name ?? ""] },
  validateSearch: (search: Record<string, unknown>): { tab?: string; build?: number } => ({
    tab: text(search.tab),
    build: whole(search.build),
  }),
  loader: async ({ context, params }) => {
    const found = await context.client.ensureQueryData(workspace(params.owner, params.name));
    void context.client.prefetchQuery(builds(found.id));
  },
  component: lazyRouteComponent(() => import("../pages/workspace/page")),
});

/** Terminals have a document of their own: who comes here from within the dashboard leaves it. */
const terminal = createRoute({
  getParentRoute: () => signedIn,
  path: "/@{$owner}/$name/terminal",
  beforeLoad: async ({ location }) => {
    window.location.replace(basePath + location.href);
    await new Promise(() => {}); // until this page is gone
  },
});

export const workspaceRoutes = [workspacesPage, workspacePage, terminal] as const;
