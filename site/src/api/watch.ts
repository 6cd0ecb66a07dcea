import type { QueryClient } from "@tanstack/react-query";
import { socketURL } from "./base";
import { address, type Endpoint, type Place } from "./client";
import { connection } from "./connection";
import type { Endpoints, WorkspacesChange, WorkspacesResponse } from "./generated";

/** Endpoints that speak over a websocket. */
export type Stream = { [K in Endpoint]: Endpoints[K] extends { socket: unknown } ? K : never }[Endpoint];
type Said<K extends Stream> = Endpoints[K] extends { socket: { server: infer T } } ? T : never;

interface Listener<K extends Stream> {
  /** call is asked for again at each connection, so that it can go on after the last line. */
  call: () => Place<K>;
  message: (said: Said<K>) => void;
  /**
   * closed is called at the end of a connection; clean says that the server had said
   * all. It returns whether to connect again; without it that is always done.
   */
  closed?: (clean: boolean) => boolean;
}

/** A stream that says nothing for so long, in milliseconds, is lost; the server pings every 15 s. */
const silence = 45_000;

/**
 * follow keeps a websocket to endpoint open until the returned function is called.
 * It connects again with growing pauses; closed may end that by returning false.
 */
export function follow<K extends Stream>(endpoint: K, listener: Listener<K>, quiet = false): () => void {
  let socket: WebSocket | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let over = false;

  const alive = () => {
    clearTimeout(watchdog);
    if (!quiet) watchdog = setTimeout(() => socket?.close(), silence);
  };
  const open = () => {
    clearTimeout(retry);
    const ws = new WebSocket(socketURL(address(endpoint, listener.call())));
    socket = ws;
    ws.onopen = () => {
      tries = 0;
      connection.worked();
      alive();
    };
    ws.onmessage = (event: MessageEvent<string>) => {
      alive();
      let said: Said<K>;
      try {
        said = JSON.parse(event.data) as Said<K>;
      } catch {
        return; // not of our protocol
      }
      listener.message(said);
    };
    ws.onclose = (event) => {
      clearTimeout(watchdog);
      if (over || socket !== ws) return;
      if (listener.closed?.(event.code === 1000) === false) return;
      retry = setTimeout(open, Math.min(15_000, 500 * 2 ** tries++));
    };
  };
  const leaveBack = connection.onBack(() => {
    if (!over && socket?.readyState !== WebSocket.OPEN && retry) open();
  });
  open();
  return () => {
    over = true;
    leaveBack();
    clearTimeout(retry);
    clearTimeout(watchdog);
    socket?.close();
  };
}

/** watchWorkspace keeps the cached workspace of id as it is on the server. */
export function watchWorkspace(client: QueryClient, id: string, key: readonly unknown[]): () => void {
  return follow("GET /api/v2/workspaces/{workspace}/watch-ws", {
    call: () => ({ path: { workspace: id } }),
    message: (event) => {
      if (event.type === "data" && event.data) client.setQueryData(key, event.data);
    },
    closed: () => {
      // It may be gone, or the session: the answer of the query says which.
      void client.invalidateQueries({ queryKey: key });
      return true;
    },
  });
}

/**
 * watchWorkspaces keeps a cached list of workspaces as it is on the server. live is
 * told whether it does so now.
 */
export function watchWorkspaces(
  client: QueryClient,
  query: { q: string; limit: number },
  key: readonly unknown[],
  live: (now: boolean) => void,
): () => void {
  let first = true;
  return follow("GET /api/v2/workspaces/watch-ws", {
    call: () => {
      first = true;
      return { query };
    },
    message: ({ type, data }) => {
      if (type !== "data" || !data) return;
      live(true);
      // What the first one is compared with is not here: ask for it.
      if (first) void client.invalidateQueries({ queryKey: key, exact: true });
      else client.setQueryData<WorkspacesResponse>(key, (old) => old && merge(client, key, old, data));
      first = false;
    },
    closed: () => {
      live(false);
      void client.invalidateQueries({ queryKey: key, exact: true }); // the session may have ended: the answer says so
      return true;
    },
  });
}

/** merge is the list after a change. A row that nobody has told of is asked for. */
function merge(client: QueryClient, key: readonly unknown[], old: WorkspacesResponse, change: WorkspacesChange) {
  const rows = new Map([...(old.workspaces ?? []), ...(change.workspaces ?? [])].map((w) => [w.id, w]));
  const next = (change.ids ?? []).flatMap((id) => rows.get(id) ?? []);
  if (next.length < (change.ids ?? []).length) void client.invalidateQueries({ queryKey: key, exact: true });
  return { count: change.count, workspaces: next };
}

/** watchMetadata keeps what an agent measures in the cache. */
export function watchMetadata(client: QueryClient, agent: string, key: readonly unknown[]): () => void {
  return follow("GET /api/v2/workspaceagents/{workspaceagent}/watch-metadata-ws", {
    call: () => ({ path: { workspaceagent: agent } }),
    message: (event) => {
      if (event.type === "data" && Array.isArray(event.data)) client.setQueryData(key, event.data);
    },
  });
}
