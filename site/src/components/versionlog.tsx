import { skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { emptyLog, followVersionLog, type Log } from "@/api/logs";
import { versionLogKey } from "@/api/queries";
import { LogView } from "./logview";

const words = {
  log: "Log of the import",
  none: "The import has written nothing.",
  notYet: "No line yet.",
};

/** VersionLog follows what Terraform says as a template version is imported. */
export function VersionLog({ version, className }: { version: string; className?: string }) {
  const client = useQueryClient();
  const { data: log = emptyLog } = useQuery<Log>({
    queryKey: versionLogKey(version),
    queryFn: skipToken,
    initialData: emptyLog,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    const key = versionLogKey(version);
    if (client.getQueryData<Log>(key)?.all) return;
    return followVersionLog(client, version, key);
  }, [client, version]);
  return <LogView log={log} label={words.log} empty={log.all ? words.none : words.notYet} className={className} />;
}
