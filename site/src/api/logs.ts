import type { QueryClient } from "@tanstack/react-query";
import type { AgentLog, ProvisionerJobLog } from "./generated";
import { follow } from "./watch";

/** A line of any log. */
export interface LogLine {
  id: number;
  at: string;
  level: string;
  /** The stage of a build, or the id of an agent's log source. */
  group: string;
  text: string;
}

/** A log as far as it is here. */
export interface Log {
  lines: LogLine[];
  /** Older lines that were dropped. */
  dropped: number;
  /** all says that the server has no more to say. */
  all: boolean;
}

export const emptyLog: Log = { lines: [], dropped: 0, all: false };

/** More lines than these are not kept. */
const most = 50_000;

/** append adds lines that are new, and drops the oldest above the limit. */
export function append(log: Log, lines: LogLine[], limit = most): Log {
  const last = log.lines.at(-1)?.id ?? -1;
  const fresh = lines.filter((l) => l.id > last);
  if (fresh.length === 0) return log;
  const all = log.lines.concat(fresh);
  const over = Math.max(0, all.length - limit);
  return { lines: over ? all.slice(over) : all, dropped: log.dropped + over, all: log.all };
}

/** gather writes lines into the cache once a frame, however fast they come. */
export function gather(client: QueryClient, key: readonly unknown[]) {
  let waiting: LogLine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const lines = waiting;
    waiting = [];
    client.setQueryData<Log>(key, (log) => append(log ?? emptyLog, lines));
  };
  return {
    add(lines: LogLine[]) {
      waiting.push(...lines);
      timer ??= setTimeout(flush, 50);
    },
    end() {
      clearTimeout(timer);
      flush();
    },
    last: () => waiting.at(-1)?.id ?? client.getQueryData<Log>(key)?.lines.at(-1)?.id,
  };
}

/** followBuildLog fills the cache with the log of a build until it has ended. */
export function followBuildLog(client: QueryClient, build: string, key: readonly unknown[]): () => void {
  const sink = gather(client, key);
  const leave = follow(
    "GET /api/v2/workspacebuilds/{workspacebuild}/logs",
    {
      call: () => ({ path: { workspacebuild: build }, query: { follow: true, after: sink.last() } }),
      message: (l: ProvisionerJobLog) =>
        sink.add([{ id: l.id, at: l.created_at, level: l.log_level, group: l.stage, text: l.output }]),
      closed: (clean) => {
        sink.end();
        if (clean) client.setQueryData<Log>(key, (log) => ({ ...(log ?? emptyLog), all: true }));
        return !clean;
      },
    },
    true,
  );
  return () => {
    leave();
    sink.end();
  };
}

/** followAgentLog fills the cache with the logs of an agent. */
export function followAgentLog(client: QueryClient, agent: string, key: readonly unknown[]): () => void {
  const sink = gather(client, key);
  const leave = follow(
    "GET /api/v2/workspaceagents/{workspaceagent}/logs",
    {
      call: () => ({ path: { workspaceagent: agent }, query: { follow: true, after: sink.last() } }),
      message: (logs: AgentLog[] | null) =>
        sink.add(
          (logs ?? []).map((l) => ({ id: l.id, at: l.created_at, level: l.level, group: l.source_id, text: l.output })),
        ),
      closed: (clean) => {
        sink.end();
        return !clean;
      },
    },
    true,
  );
  return () => {
    leave();
    sink.end();
  };
}
