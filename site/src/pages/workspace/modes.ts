import { useQuery } from "@tanstack/react-query";
import type { AppMode } from "@/api/generated";
import { read } from "@/api/queries";

/** useModes says which ways to applications the deployment has, and why it has not the others. */
export function useModes(): (name: "subdomain" | "path") => Pick<AppMode, "enabled" | "reason"> {
  const { data } = useQuery({ ...read("GET /api/v2/applications/modes"), staleTime: 10 * 60_000 });
  return (name) => data?.modes?.find((m) => m.name === name) ?? { enabled: true, reason: "" };
}
