import { useQuery } from "@tanstack/react-query";
import type { ReplicasHealth } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { plain } from "@/lib/plain";
import { Status } from "@/ui/status";
import { Check } from "./check";
import { words } from "./texts";

/** Replicas are the server processes, where there is more than one or something is wrong with them. */
export function Replicas({ section }: { section: ReplicasHealth | undefined }) {
  const { data } = useQuery({ ...read("GET /api/v2/replicas"), staleTime: 30_000 });
  if (!section) return null; // a replica of the release before answered
  const replicas = (data ?? []).slice(0, 100);
  if (replicas.length < 2 && !section.warnings?.length) return null;
  const names = new Map(replicas.map((r) => [r.id, plain(r.hostname, 64)]));
  return (
    <Check title={words.replicas} text={words.replicasText} section={section}>
      <ul className="flex flex-col gap-3">
        {replicas.map((r) => (
          <li key={r.id}>
            <p className="flex flex-wrap items-center gap-x-3">
              <Status tone={r.stopped_at ? "off" : r.error ? "warn" : "ok"}>{names.get(r.id)}</Status>
              <span className="text-muted text-sm">{plain(r.version, 64)}</span>
              {r.stopped_at ? (
                <span className="text-muted text-sm">
                  {words.stopped} <Ago at={r.stopped_at} />
                </span>
              ) : null}
            </p>
            <p className="wrap-anywhere text-muted text-sm">
              {r.relay_address ? (
                <code className="font-mono">{plain(r.relay_address, 300)}</code>
              ) : (
                words.noRelayAddress
              )}
              {r.stopped_at ? null : ` · ${words.toDatabase(milliseconds(r.database_latency))}`}
              {Object.entries(r.latencies).map(([id, took]) =>
                names.has(id) && !r.stopped_at
                  ? ` · ${words.toReplica(names.get(id) ?? "", milliseconds(took))}`
                  : null,
              )}
            </p>
          </li>
        ))}
      </ul>
    </Check>
  );
}

function milliseconds(micros: number): string {
  return `${(micros / 1000).toLocaleString("en", { maximumFractionDigits: micros < 10_000 ? 1 : 0 })} ms`;
}
