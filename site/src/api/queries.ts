import { keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { ApiError, type Endpoint, type Place, request } from "./client";
import { connection } from "./connection";
import type { Endpoints } from "./generated";

/** The endpoints that only read. */
export type Read = Extract<Endpoint, `GET ${string}`>;

/** keyOf is where the answer of an endpoint stands in the cache. */
export function keyOf<K extends Read>(endpoint: K, place?: Place<K>): readonly unknown[] {
  return place ? [endpoint, place] : [endpoint];
}

/** read are the options of a query that asks endpoint: the way to all server data. */
export function read<K extends Read>(
  endpoint: K,
  ...[place]: Record<never, never> extends Place<K> ? [Place<K>?] : [Place<K>]
) {
  return queryOptions({
    queryKey: keyOf(endpoint, place),
    queryFn: ({ signal }) =>
      // biome-ignore lint/suspicious/noExplicitAny: a generic call cannot be shown to need no body
      request(endpoint, { ...place, signal } as any) as Promise<NonNullable<Endpoints[K]["response"]>>,
  });
}

/** newQueryClient is the cache of a page. What the server refuses is not asked for again. */
export function newQueryClient(): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        gcTime: 5 * 60_000,
        retry: (count, error) =>
          count < 2 && error instanceof ApiError && (error.status >= 502 || error.status === 429),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
  connection.onBack(() => void client.invalidateQueries());
  return client;
}

/** me is who is signed in. */
export const me = () => ({ ...read("GET /api/v2/users/{user}", { path: { user: "me" } }), staleTime: 60_000 });

/** firstUser is true where somebody has set the server up; 404 means nobody has. */
export const firstUser = () =>
  queryOptions({
    queryKey: ["first user"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      try {
        await request("GET /api/v2/users/first", { signal });
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return false;
        throw error;
      }
    },
  });

export const buildInfo = () => ({ ...read("GET /api/v2/buildinfo"), staleTime: 60_000 });
export const appHost = () => ({ ...read("GET /api/v2/applications/host"), staleTime: 10 * 60_000 });

/** workspaces is one list: what a search finds, asked again every few seconds as long as it is looked at. */
export const workspaces = (q: string, limit: number) => ({
  ...read("GET /api/v2/workspaces", { query: { q, limit } }),
  placeholderData: keepPreviousData,
});

export const workspace = (owner: string, name: string) =>
  read("GET /api/v2/users/{user}/workspace/{workspacename}", { path: { user: owner, workspacename: name } });

export const builds = (id: string) =>
  read("GET /api/v2/workspaces/{workspace}/builds", { path: { workspace: id }, query: { limit: 50 } });

export const template = (organization: string, name: string) =>
  read("GET /api/v2/organizations/{organization}/templates/{templatename}", {
    path: { organization, templatename: name },
  });

/** The logs and measurements that streams fill; nothing fetches them. */
export const buildLogKey = (build: string) => ["build log", build] as const;
export const versionLogKey = (version: string) => ["version log", version] as const;
export const agentLogKey = (agent: string) => ["agent log", agent] as const;
export const metadataKey = (agent: string) => ["agent metadata", agent] as const;
