import type { QueryClient } from "@tanstack/react-query";
import { createRouter, defaultParseSearch, defaultStringifySearch } from "@tanstack/react-router";
import { basePath } from "@/api/base";
import { NotFound, PageError, PagePending } from "@/components/pagestates";
import { rawParse, rawStringify } from "@/lib/rawsearch";
import { accountRoutes } from "./routes/account";
import { root, signedIn } from "./routes/base";
import { deploymentRoutes } from "./routes/deployment";
import { doorRoutes } from "./routes/doors";
import { organizationRoutes } from "./routes/organizations";
import { templateRoutes } from "./routes/templates";
import { workspaceRoutes } from "./routes/workspaces";

// Every page of the dashboard, an area a file. A page is lazy: its code comes when it is
// opened. Its loader starts what it reads; it does not wait for it, the page shows what is there.

const tree = root.addChildren([
  ...doorRoutes,
  signedIn.addChildren([
    ...workspaceRoutes,
    ...templateRoutes,
    ...organizationRoutes,
    ...deploymentRoutes,
    ...accountRoutes,
  ]),
]);

export function newRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    basepath: basePath || "/",
    parseSearch: rawParse(defaultParseSearch),
    stringifySearch: rawStringify(defaultStringifySearch),
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageError,
    defaultPendingComponent: PagePending,
    defaultNotFoundComponent: () => <NotFound />,
    defaultPendingMs: 150,
    defaultPendingMinMs: 0, // the router would keep a page back for half a second so that this one is seen
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
    /** early asks for what the page shows beside who is signed in: a loader would wait for that. */
    early?: (client: QueryClient, search: object) => void;
  }
}
