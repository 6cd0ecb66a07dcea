import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { WorkspaceBuild } from "@/api/generated";
import { emptyLog, followBuildLog, type Log } from "@/api/logs";
import { buildLogKey } from "@/api/queries";
import { LogView } from "@/components/logview";
import { words } from "./texts";

/** BuildLog follows what terraform says. */
export function BuildLog({ build }: { build: WorkspaceBuild }) {
  const client = useQueryClient();
  const id = build.id;
  const { data: log = emptyLog } = useQuery<Log>({
    queryKey: buildLogKey(id),
    enabled: false,
    initialData: emptyLog,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (client.getQueryData<Log>(buildLogKey(id))?.all) return;
    return followBuildLog(client, id, buildLogKey(id));
  }, [client, id]);
  return <LogView log={log} label={words.log} empty={log.all ? words.logNone : words.logEmpty} />;
}
