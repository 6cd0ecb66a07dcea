import { linkOptions } from "@tanstack/react-router";
import type { AuditLog } from "@/api/generated";

/** placeOf is the page of what an entry is about, undefined where there is none. */
export function placeOf(entry: AuditLog) {
  const link = entry.resource_link;
  if (entry.is_deleted || link.length > 1024) return undefined;
  const organization = entry.organization?.name;
  const parts = link.split(/[?#]/)[0]!.split("/").slice(1).map(decode);
  const [first = "", second = "", third = "", fourth = ""] = parts;
  if (first.startsWith("@") && second)
    return linkOptions({
      to: "/@{$owner}/$name",
      params: { owner: first.slice(1), name: second },
      search: third === "builds" && /^\d{1,9}$/.test(fourth) ? { tab: "builds", build: Number(fourth) } : {},
    });
  if (first === "templates" && second && organization) {
    const params = { organization, template: second };
    if (third === "versions" && fourth)
      return linkOptions({
        to: "/templates/$organization/$template/versions/$version",
        params: { ...params, version: fourth },
      });
    return linkOptions({ to: "/templates/$organization/$template", params });
  }
  if (entry.resource_type === "user" && entry.resource_target)
    return linkOptions({ to: "/deployment/users/$user", params: { user: entry.resource_target } });
  if (organization && entry.resource_type === "group" && entry.resource_target)
    return linkOptions({
      to: "/organizations/$organization/groups/$group",
      params: { organization, group: entry.resource_target },
    });
  if (organization && first === "organizations")
    return linkOptions({ to: "/organizations/$organization", params: { organization } });
  return undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
