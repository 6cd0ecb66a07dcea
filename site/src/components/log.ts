import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, request } from "@/api/client";
import type { Endpoints } from "@/api/generated";

type LogEndpoint = "GET /api/v2/audit" | "GET /api/v2/connectionlog";
type Page<K extends LogEndpoint> = Endpoints[K]["response"];

/** Entries that come at once. */
const pageSize = 100;

/** How often the log is asked whether there is something newer, in milliseconds. */
const newerEvery = 15_000;

function ask<K extends LogEndpoint>(endpoint: K, q: string, limit: number, after: string, signal: AbortSignal) {
  // The two endpoints take the same search and pages.
  const query = { q, limit, after_id: after || undefined };
  return request(endpoint as "GET /api/v2/audit", { query, signal }) as unknown as Promise<Page<K>>;
}

/** logQuery reads a log in pages, newest first; rows are those of an answer. */
export function logQuery<K extends LogEndpoint, Row extends { id: string }>(
  endpoint: K,
  q: string,
  rows: (page: Page<K>) => Row[],
) {
  return {
    queryKey: [endpoint, "pages", q] as const,
    queryFn: ({ pageParam, signal }: { pageParam: string; signal: AbortSignal }) =>
      ask(endpoint, q, pageSize, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (last: Page<K>) => {
      const list = rows(last);
      return list.length < pageSize ? undefined : list.at(-1)?.id;
    },
    // What is in a log stays as it is, and what one reads must not move: newer entries come when asked for.
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** useLog is a log that one reads: what was fetched of it, older entries on demand, and whether there are newer ones. */
export function useLog<K extends LogEndpoint, Row extends { id: string }>(
  endpoint: K,
  q: string,
  rows: (page: Page<K>) => Row[],
) {
  const client = useQueryClient();
  const options = logQuery(endpoint, q, rows);
  const log = useInfiniteQuery({ ...options, placeholderData: keepPreviousData });
  const list = (log.data?.pages ?? []).flatMap(rows);
  const newest = useQuery({
    queryKey: [endpoint, "newest", q],
    queryFn: ({ signal }) => ask(endpoint, q, 1, "", signal),
    enabled: log.isSuccess && !log.isPlaceholderData,
    staleTime: 0,
    refetchInterval: newerEvery,
  });
  const first = newest.data ? rows(newest.data)[0] : undefined;
  const current = log.isSuccess && !log.isPlaceholderData && !log.isFetching;
  const badSearch =
    log.error instanceof ApiError && log.error.status === 400 ? (log.error.field("q") ?? log.error.message) : undefined;
  return {
    rows: list,
    known: log.data?.pages[0],
    error: badSearch ? undefined : log.error,
    badSearch,
    stale: log.isPlaceholderData || Boolean(badSearch),
    newer: current && first !== undefined && first.id !== list[0]?.id && !list.some((row) => row.id === first.id),
    retry: () => void log.refetch(),
    /** showNewer begins again at the top. */
    showNewer: () => {
      client.setQueryData<typeof log.data>(options.queryKey, (old) =>
        old ? { pages: old.pages.slice(0, 1), pageParams: old.pageParams.slice(0, 1) } : old,
      );
      void log.refetch();
    },
    hasOlder: log.hasNextPage,
    older: () => void log.fetchNextPage(),
    busy: log.isFetching,
  };
}
