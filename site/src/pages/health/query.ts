import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { HealthReport } from "@/api/generated";
import { read } from "@/api/queries";

/** How old a report may be, in milliseconds, before the server is asked to check again. */
const keep = 60_000;

const { queryKey } = read("GET /api/v2/debug/health");

/** health is the last report of the server, and a new one each minute as long as it is looked at. */
export const health = (client: QueryClient) =>
  queryOptions({
    queryKey,
    queryFn: ({ signal }) => {
      const known = client.getQueryData<HealthReport>(queryKey);
      return request("GET /api/v2/debug/health", { query: known ? { force: true } : {}, signal });
    },
    staleTime: keep,
    // The first answer may be one of minutes ago.
    refetchInterval: (query) =>
      query.state.error
        ? keep
        : query.state.data
          ? Math.min(keep, Math.max(1_000, Date.parse(query.state.data.time) + keep - Date.now()))
          : false,
  });
