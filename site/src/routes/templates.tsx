import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { read, template as templateQuery } from "@/api/queries";
import { signedIn, text } from "./base";

/** What a link to the form of a new workspace may fill in; parameters are "param.NAME". */
interface CreateSearch {
  name?: string;
  version?: string;
  preset?: string;
  mode?: "manual" | "auto";
  [parameter: `param.${string}`]: string;
}

const word = (value: unknown) => text(typeof value === "number" ? String(value) : value);

function createSearch(search: Record<string, unknown>): CreateSearch {
  const out: CreateSearch = {
    name: word(search.name),
    version: word(search.version),
    preset: word(search.preset),
    mode: search.mode === "auto" || search.mode === "manual" ? search.mode : undefined,
  };
  for (const [key, value] of Object.entries(search)) {
    if (key.startsWith("param.") && typeof value === "string") out[key as `param.${string}`] = value;
  }
  return out;
}

const templates = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates",
  staticData: { area: "/templates" },
  validateSearch: (search: Record<string, unknown>): { filter?: string } => ({ filter: text(search.filter) }),
  loader: ({ context }) => void context.client.prefetchQuery(read("GET /api/v2/templates")),
  component: lazyRouteComponent(() => import("../pages/templates/page")),
});

const newTemplate = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates/new",
  staticData: { area: "/templates", crumbs: () => ["New"] },
  validateSearch: (search): { from?: string } => ({ from: text(search.from) }),
  loader: ({ context }) => {
    void context.client.prefetchQuery(read("GET /api/v2/templates/examples"));
    void context.client.prefetchQuery(read("GET /api/v2/organizations"));
  },
  component: lazyRouteComponent(() => import("../pages/newtemplate/page")),
});

const create = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates/$organization/$template/workspace",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? "", "New workspace"] },
  validateSearch: createSearch,
  loader: async ({ context, params }) => {
    await context.client.ensureQueryData(templateQuery(params.organization, params.template));
  },
  component: lazyRouteComponent(() => import("../pages/create/page")),
});

const template = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates/$organization/$template",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  loader: async ({ context, params }) => {
    const path = { organization: params.organization, templatename: params.template };
    await context.client.ensureQueryData(
      read("GET /api/v2/organizations/{organization}/templates/{templatename}", { path }),
    );
  },
  component: lazyRouteComponent(() => import("../pages/template/layout")),
});

const readme = createRoute({
  getParentRoute: () => template,
  path: "/",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  component: lazyRouteComponent(() => import("../pages/template/readme")),
});

const docs = createRoute({
  getParentRoute: () => template,
  path: "docs",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  component: lazyRouteComponent(() => import("../pages/template/docs")),
});

const files = createRoute({
  getParentRoute: () => template,
  path: "files",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  validateSearch: (search: Record<string, unknown>): { version?: string; file?: string } => ({
    version: text(search.version),
    file: text(search.file),
  }),
  component: lazyRouteComponent(() => import("../pages/template/files")),
});

const versions = createRoute({
  getParentRoute: () => template,
  path: "versions",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  validateSearch: (search: Record<string, unknown>): { archived?: boolean } => ({
    archived: search.archived === true || undefined,
  }),
  component: lazyRouteComponent(() => import("../pages/template/versions")),
});

const version = createRoute({
  getParentRoute: () => template,
  path: "versions/$version",
  staticData: { area: "/templates", crumbs: ({ template, version }) => [template ?? "", version ?? ""] },
  validateSearch: (search: Record<string, unknown>): { compare?: string; file?: string } => ({
    compare: text(search.compare),
    file: text(search.file),
  }),
  component: lazyRouteComponent(() => import("../pages/template/version")),
});

const embed = createRoute({
  getParentRoute: () => template,
  path: "embed",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  component: lazyRouteComponent(() => import("../pages/template/embed")),
});

const templateSettings = createRoute({
  getParentRoute: () => template,
  path: "settings",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  component: lazyRouteComponent(() => import("../pages/template/settings")),
});

const variables = createRoute({
  getParentRoute: () => template,
  path: "settings/variables",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  validateSearch: (search: Record<string, unknown>): { version?: string } => ({ version: text(search.version) }),
  component: lazyRouteComponent(() => import("../pages/template/variables")),
});

const permissions = createRoute({
  getParentRoute: () => template,
  path: "settings/permissions",
  staticData: { area: "/templates", crumbs: ({ template }) => [template ?? ""] },
  component: lazyRouteComponent(() => import("../pages/template/permissions")),
});

const editor = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates/$organization/$template/versions/$version/edit",
  staticData: { area: "/templates", crumbs: ({ template, version }) => [template ?? "", version ?? "", "Edit"] },
  validateSearch: (search): { build?: string; file?: string; tab?: "preview" } => ({
    build: text(search.build),
    file: text(search.file),
    tab: search.tab === "preview" ? "preview" : undefined,
  }),
  component: lazyRouteComponent(() => import("../pages/editor/page")),
});

export const templateRoutes = [
  templates,
  newTemplate,
  create,
  editor,
  template.addChildren([readme, docs, files, versions, version, embed, templateSettings, variables, permissions]),
] as const;
