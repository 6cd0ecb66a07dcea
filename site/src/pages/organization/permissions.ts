import type { Permission } from "@/api/generated";

/** The levels of a role's permissions, as fields of the API. */
export const levels = [
  "organization_permissions",
  "organization_member_permissions",
  "user_permissions",
  "site_permissions",
] as const;
export type Level = (typeof levels)[number];

/** A choice is what a role permits: "resource:action", by level. */
export type Choice = Record<Level, ReadonlySet<string>>;

type Leveled = Record<Level, Permission[] | null>;

const keyOf = (p: Permission) => `${p.resource_type}:${p.action}`;

/** choiceOf reads a role; nothing is a role that permits nothing. */
export function choiceOf(role: Leveled | undefined): Choice {
  return Object.fromEntries(levels.map((level) => [level, new Set((role?.[level] ?? []).map(keyOf))])) as Record<
    Level,
    Set<string>
  >;
}

/** permissionsOf writes a choice as the API takes it. */
export function permissionsOf(choice: Choice): Record<Level, Permission[]> {
  return Object.fromEntries(
    levels.map((level) => [
      level,
      [...choice[level]].sort().map((key) => {
        const at = key.lastIndexOf(":");
        return { resource_type: key.slice(0, at), action: key.slice(at + 1) };
      }),
    ]),
  ) as Record<Level, Permission[]>;
}

/** changed returns choice with some keys of a level added or taken away. */
export function changed(choice: Choice, level: Level, keys: readonly string[], on: boolean): Choice {
  const set = new Set(choice[level]);
  for (const key of keys) {
    if (on) set.add(key);
    else set.delete(key);
  }
  return { ...choice, [level]: set };
}

export const countOf = (choice: Choice) => levels.reduce((n, level) => n + choice[level].size, 0);

export const sameChoice = (a: Choice, b: Choice) =>
  levels.every((level) => a[level].size === b[level].size && [...a[level]].every((key) => b[level].has(key)));

/** catalogue lists what there is: each resource once, with its actions in the order of the API. */
export function catalogue(permissions: readonly Permission[]): [resource: string, actions: string[]][] {
  const table = new Map<string, string[]>();
  for (const { resource_type, action } of permissions) {
    const actions = table.get(resource_type) ?? [];
    if (!actions.includes(action)) actions.push(action);
    table.set(resource_type, actions);
  }
  return [...table].sort(([a], [b]) => a.localeCompare(b));
}

/** What the API calls differently than people do. */
const known: Record<string, string> = {
  assign_org_role: "Roles of the organization",
  assign_role: "Roles of the deployment",
  api_key: "API key",
  ssh: "SSH",
  application_connect: "Open applications",
};

/** inWords makes a name of the API readable: "read_personal" is "Read personal". */
export function inWords(name: string): string {
  const text = name.replaceAll("_", " ");
  return known[name] ?? text.charAt(0).toUpperCase() + text.slice(1);
}
