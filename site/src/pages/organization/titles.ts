import type { AssignableRole } from "@/api/generated";
import { plain } from "@/lib/plain";

/** roleTitle is what people call a role, or its name as long as the roles are not known. */
export function roleTitle(roles: readonly AssignableRole[] | undefined, name: string): string {
  return plain(roles?.find((r) => r.name === name)?.display_name || name, 64);
}
