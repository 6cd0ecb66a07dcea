import { useQuery } from "@tanstack/react-query";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { bytes } from "@/lib/bytes";
import { Skeleton } from "@/ui/bits";
import { words } from "./texts";

type Figure = readonly [name: string, value: string];

/** Stats are how much the deployment is used right now. */
export function Stats() {
  const { data, error, refetch } = useQuery({ ...read("GET /api/v2/deployment/stats"), refetchInterval: 30_000 });
  if (error && !data) return <ApiErrorBox error={error} title={words.statsFailed} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-28" />;
  const { workspaces: w, session_count: s } = data;
  const latency = w.connection_latency_ms;
  const ms = (n: number | undefined) => (n === undefined || n < 0 ? "–" : `${Math.round(n)} ms`);
  const far = latency && latency.p50 >= 0;
  return (
    <section
      aria-label={words.now}
      className="grid gap-px overflow-hidden rounded-lg border border-line bg-line lg:grid-cols-[auto_auto_1fr]"
    >
      <Group
        title={words.workspaces}
        figures={[
          [words.running, count(w.running)],
          [words.stopped, count(w.stopped)],
          [words.building, count(w.building)],
          [words.waiting, count(w.pending)],
          [words.failed, count(w.failed)],
        ]}
      />
      <Group
        title={words.sessions}
        figures={[
          [words.ssh, count(s?.ssh)],
          [words.vscode, count(s?.vscode)],
          [words.jetbrains, count(s?.jetbrains)],
          [words.terminals, count(s?.reconnecting_pty)],
        ]}
      />
      <Group
        title={words.network}
        note={
          far ? (
            <>
              {words.since} <Ago at={data.aggregated_from} />
            </>
          ) : (
            words.nobody
          )
        }
        figures={[
          [words.received, bytes(w.rx_bytes)],
          [words.sent, bytes(w.tx_bytes)],
          [words.latency, ms(latency?.p50)],
          [words.p95, ms(latency?.p95)],
        ]}
      />
    </section>
  );
}

/** count writes how many there are; what nobody has measured is a line. */
const count = (n: number | undefined) => (n === undefined || n < 0 ? "–" : n.toLocaleString("en"));

function Group({ title, note, figures }: { title: string; note?: React.ReactNode; figures: readonly Figure[] }) {
  return (
    <div className="min-w-0 bg-surface px-4 py-3">
      <h2 className="flex flex-wrap items-baseline gap-x-2 pb-2 font-medium text-muted text-xs">
        {title}
        {note ? <span className="font-normal text-faint">{note}</span> : null}
      </h2>
      <dl className="flex flex-wrap gap-x-4 gap-y-2">
        {figures.map(([name, value]) => (
          <div key={name} className="flex flex-col-reverse">
            <dt className="text-muted text-xs">{name}</dt>
            <dd className="font-semibold text-[0.9375rem] tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
