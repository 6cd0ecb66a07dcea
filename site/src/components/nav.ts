import { linkOptions, useMatches } from "@tanstack/react-router";
import { texts } from "@/lib/texts";
import { type Checks, useMay } from "./may";

/**
 * The areas in the top bar, in order; each has a page in routes.tsx. key is its
 * shortcut after "g".
 */
export const nav = [
  { to: "/workspaces", label: texts.navWorkspaces, key: "w" },
  { to: "/templates", label: texts.navTemplates, key: "m" },
  { to: "/organizations", label: texts.navOrganizations, key: "o" },
  { to: "/deployment/overview", label: texts.navDeployment, key: "d" },
] as const;

const anywhere = (resource_type: string) => ({ action: "read", object: { resource_type } });
const somewhere = (resource_type: string) => ({ action: "read", object: { resource_type, any_org: true } });

/** navChecks ask what the bar and the side of the deployment show. */
export const navChecks = {
  organizations: somewhere("organization"),
  settings: anywhere("deployment_config"),
  users: anywhere("user"),
  health: anywhere("debug_info"),
  audit: somewhere("audit_log"),
  connections: somewhere("connection_log"),
} satisfies Checks<string>;

/** useDeploymentPages are the pages of the deployment that the person may read. */
export function useDeploymentPages() {
  const can = useMay(navChecks);
  const pages = linkOptions([
    { to: "/deployment/overview", label: texts.deploymentOverview },
    { to: "/deployment/users", label: texts.deploymentUsers },
    { to: "/health", label: texts.deploymentHealth },
    { to: "/audit", label: texts.deploymentAudit },
    { to: "/connectionlog", label: texts.deploymentConnections },
  ]);
  const allowed = [can.settings, can.users, can.health, can.audit, can.connections];
  const shown = pages.filter((_, i) => allowed[i]);
  // What is included may be read by all, and is worth no area of its own.
  return shown.length > 0
    ? [...shown, ...linkOptions([{ to: "/deployment/licenses", label: texts.deploymentIncluded }])]
    : [];
}

/** useAreas are the areas where the person may read something, each with the first page of it. */
export function useAreas() {
  const can = useMay(navChecks);
  const deployment = useDeploymentPages()[0]?.to;
  type Area = (typeof nav)[number];
  return nav.flatMap((area): (Area & { first: Area["to"] | NonNullable<typeof deployment> })[] => {
    if (area.to === "/organizations") return can.organizations ? [{ ...area, first: area.to }] : [];
    if (area.to === "/deployment/overview") return deployment ? [{ ...area, first: deployment }] : [];
    return [{ ...area, first: area.to }];
  });
}

/** useArea is the area that the page belongs to. */
export function useArea(): string | undefined {
  return useMatches().at(-1)?.staticData.area;
}

/** The keys that work everywhere, as the list of shortcuts shows them. */
export const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl K", "Open the command palette"],
  ["?", "Show this list"],
  ["/", "Go to the search of the page"],
  ["t", "Change the theme"],
  ["Esc", "Close what is open"],
];

/** goKey is the shortcut of an area. */
export const goKey = (area: { key: string; label: string }) => [`g ${area.key}`, `Go to ${area.label}`] as const;
