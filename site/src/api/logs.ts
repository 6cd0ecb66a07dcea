import type { QueryClient } from "@tanstack/react-query";
import type { Place } from "./client";
import type { AgentLog, Endpoints, ProvisionerJobLog } from "./generated";
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

/** The logs of jobs: of the build of a workspace, of the import of a version. */
type JobLog =
  | "GET /api/v2/workspacebuilds/{workspacebuild}/logs"
  | "GET /api/v2/templateversions/{templateversion}/logs";

/** followJobLog fills the cache with what a job says, until it has ended. */
function followJobLog<K extends JobLog>(
  client: QueryClient,
  endpoint: K,
  path: Endpoints[K]["path"],
  key: readonly unknown[],
) {
  const sink = gather(client, key);
  const leave = follow<JobLog>(
    endpoint,
    {
      call: () => ({ path, query: { follow: true, after: sink.last() } }) as Place<JobLog>,
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

/** followBuildLog fills the cache with the log of a build until it has ended. */
export const followBuildLog = (client: QueryClient, workspacebuild: string, key: readonly unknown[]) =>
  followJobLog(client, "GET /api/v2/workspacebuilds/{workspacebuild}/logs", { workspacebuild }, key);

/** followVersionLog fills the cache with what the import of a template version says, until it has ended. */
export const followVersionLog = (client: QueryClient, templateversion: string, key: readonly unknown[]) =>
  followJobLog(client, "GET /api/v2/templateversions/{templateversion}/logs", { templateversion }, key);

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
