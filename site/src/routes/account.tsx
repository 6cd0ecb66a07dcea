import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { signedIn } from "./base";

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
  component: lazyRouteComponent(() => import("../pages/account/appearance")),
});

const security = createRoute({
  getParentRoute: () => settings,
  path: "/settings/security",
  staticData: { area: "/settings/account", crumbs: () => ["Security"] },
  component: lazyRouteComponent(() => import("../pages/account/security")),
});

const sshKeys = createRoute({
  getParentRoute: () => settings,
  path: "/settings/ssh-keys",
  staticData: { area: "/settings/account", crumbs: () => ["SSH key"] },
  component: lazyRouteComponent(() => import("../pages/account/sshkeys")),
});

const tokens = createRoute({
  getParentRoute: () => settings,
  path: "/settings/tokens",
  staticData: { area: "/settings/account", crumbs: () => ["Tokens"] },
  component: lazyRouteComponent(() => import("../pages/account/tokens")),
});

const externalAuth = createRoute({
  getParentRoute: () => settings,
  path: "/settings/external-auth",
  staticData: { area: "/settings/account", crumbs: () => ["External authentication"] },
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
