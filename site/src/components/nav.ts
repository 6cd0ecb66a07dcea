import { texts } from "@/lib/texts";

/**
 * The areas in the top bar, in order; each has a page in routes.tsx. key is its
 * shortcut after "g".
 */
export const nav = [{ to: "/workspaces", label: texts.navWorkspaces, key: "w" }] as const;

/** The keys that work everywhere, as the list of shortcuts shows them. */
export const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl K", "Open the command palette"],
  ["?", "Show this list"],
  ["/", "Go to the search of the page"],
  ["g w", "Go to the workspaces"],
  ["t", "Change the theme"],
];
