import type { QueryClient } from "@tanstack/react-query";
import type { ProvisionerJobLog } from "./generated";
import { emptyLog, gather, type Log } from "./logs";
import { follow } from "./watch";

export const versionLogKey = (version: string) => ["version log", version] as const;

/** followVersionLog fills the cache with what the import of a template version says, until it has ended. */
export function followVersionLog(client: QueryClient, version: string, key: readonly unknown[]): () => void {
  const sink = gather(client, key);
  const leave = follow(
    "GET /api/v2/templateversions/{templateversion}/logs",
    {
      call: () => ({ path: { templateversion: version }, query: { follow: true, after: sink.last() } }),
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
