import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { firstUser } from "@/api/queries";
import { root, text } from "./base";

// The pages for who is not signed in.

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
  component: lazyRouteComponent(() => import("../pages/login/page")),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  beforeLoad: async ({ context }) => {
    if (await context.client.ensureQueryData(firstUser())) throw redirect({ to: "/login", replace: true });
  },
  component: lazyRouteComponent(() => import("../pages/setup/page")),
});

export const doorRoutes = [index, login, setup] as const;
