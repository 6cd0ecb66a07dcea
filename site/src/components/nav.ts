import { texts } from "@/lib/texts";

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

/** The keys that work everywhere, as the list of shortcuts shows them. */
export const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl K", "Open the command palette"],
  ["?", "Show this list"],
  ["/", "Go to the search of the page"],
  ["g w", "Go to the workspaces"],
  ["g m", "Go to the templates"],
  ["g o", "Go to the organization"],
  ["g d", "Go to the deployment"],
  ["t", "Change the theme"],
];
