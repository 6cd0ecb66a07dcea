import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { ApiError } from "@/api/client";
import { me } from "@/api/queries";
import { may } from "@/components/may";
import { navChecks } from "@/components/nav";
import { NotFound } from "@/components/pagestates";

// What all routes stand below, and how they read what stands in the URL.

interface Context {
  client: QueryClient;
}

export const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  notFoundComponent: () => <NotFound />,
});

/** text is a search parameter that is text of bearable length. */
export const text = (value: unknown) => (typeof value === "string" && value.length <= 4096 ? value : undefined);

/** whole is a search parameter that is a number without fractions. */
export const whole = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined);

/** listed are the search parameters of a list that is searched and comes in pages, which count from 1. */
export const listed = (search: Record<string, unknown>): { q?: string; page?: number } => {
  const page = whole(search.page);
  return { q: text(search.q), page: page && page > 1 && page <= 20_000 ? page : undefined };
};

/** Below it are the pages for who is signed in. */
export const signedIn = createRoute({
  getParentRoute: () => root,
  id: "in",
  beforeLoad: async ({ context, location, matches }) => {
    for (const match of matches) match.staticData.early?.(context.client, match.search);
    try {
      await context.client.ensureQueryData(me());
      void context.client.prefetchQuery(may(navChecks));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // location.href is below the base path of the router.
      const back = location.pathname === "/workspaces" && !location.searchStr ? undefined : location.href;
      throw redirect({ to: "/login", search: { redirect: back }, replace: true });
    }
  },
  component: lazyRouteComponent(() => import("@/components/shell"), "Shell"),
});
