import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { read } from "@/api/queries";
import { signedIn, text } from "./base";

const settings = createRoute({
  getParentRoute: () => signedIn,
  id: "settings",
  staticData: { area: "/settings/account" },
  component: lazyRouteComponent(() => import("../pages/account/layout")),
});

const account = createRoute({
  getParentRoute: () => settings,
  path: "/settings/account",
  staticData: { area: "/settings/account", crumbs: () => ["Account"] },
  component: lazyRouteComponent(() => import("../pages/account/page")),
});

const appearance = createRoute({
  getParentRoute: () => settings,
  path: "/settings/appearance",
  staticData: { area: "/settings/account", crumbs: () => ["Appearance"] },
  loader: ({ context }) => {
    void context.client.prefetchQuery(read("GET /api/v2/users/{user}/appearance", { path: { user: "me" } }));
  },
  component: lazyRouteComponent(() => import("../pages/account/appearance")),
});

const security = createRoute({
  getParentRoute: () => settings,
  path: "/settings/security",
  staticData: { area: "/settings/account", crumbs: () => ["Security"] },
  loader: ({ context }) => {
    void context.client.prefetchQuery(read("GET /api/v2/users/{user}/keys", { path: { user: "me" } }));
  },
  component: lazyRouteComponent(() => import("../pages/account/security")),
});

const sshKeys = createRoute({
  getParentRoute: () => settings,
  path: "/settings/ssh-keys",
  staticData: { area: "/settings/account", crumbs: () => ["SSH key"] },
  loader: ({ context }) => {
    void context.client.prefetchQuery(read("GET /api/v2/users/{user}/gitsshkey", { path: { user: "me" } }));
  },
  component: lazyRouteComponent(() => import("../pages/account/sshkeys")),
});

const tokens = createRoute({
  getParentRoute: () => settings,
  path: "/settings/tokens",
  staticData: { area: "/settings/account", crumbs: () => ["Tokens"] },
  validateSearch: (search: Record<string, unknown>): { all?: true; expired?: true; owner?: string; make?: true } => ({
    all: search.all === true || undefined,
    expired: search.expired === true || undefined,
    owner: text(search.owner),
    make: search.make === true || undefined,
  }),
  loaderDeps: ({ search }) => ({ include_all: search.all, include_expired: search.expired }),
  loader: ({ context, deps }) => {
    const place = { path: { user: "me" }, query: deps };
    void context.client.prefetchQuery(read("GET /api/v2/users/{user}/keys/tokens", place));
  },
  component: lazyRouteComponent(() => import("../pages/account/tokens")),
});

const externalAuth = createRoute({
  getParentRoute: () => settings,
  path: "/settings/external-auth",
  staticData: { area: "/settings/account", crumbs: () => ["External authentication"] },
  loader: ({ context }) => {
    void context.client.prefetchQuery(read("GET /api/v2/external-auth"));
  },
  component: lazyRouteComponent(() => import("../pages/account/externalauth")),
});

const cliAuth = createRoute({
  getParentRoute: () => signedIn,
  path: "/cli-auth",
  staticData: { area: "/settings/account", crumbs: () => ["Command line"] },
  component: lazyRouteComponent(() => import("../pages/cliauth/page")),
});

export const accountRoutes = [
  settings.addChildren([account, appearance, security, sshKeys, tokens, externalAuth]),
  cliAuth,
] as const;
