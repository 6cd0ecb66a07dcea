import { useQuery } from "@tanstack/react-query";
import type { WorkspaceBuild, WorkspaceBuildTimings } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { duration } from "@/lib/time";
import { Card, Skeleton } from "@/ui/bits";
import { words } from "./texts";

interface Bar {
  name: string;
  group: string;
  start: number;
  end: number;
}

/** bars are the measured steps in the order in which they began; the queue is the first. */
export function bars(build: WorkspaceBuild, timings: WorkspaceBuildTimings): Bar[] {
  const out: Bar[] = [];
  const add = (group: string, name: string, start: string | undefined, end: string | undefined) => {
    const from = Date.parse(start ?? "");
    const to = Date.parse(end ?? "");
    if (from > 0 && to >= from) out.push({ group, name, start: from, end: to });
  };
  add("queue", "waiting for a provisioner", build.job.created_at, build.job.started_at);
  for (const t of timings.provisioner_timings ?? []) {
    // A step of terraform itself repeats its stage in place of a resource.
    const words = [t.resource || t.source, t.action].filter((word) => word && word !== t.stage);
    add(t.stage, words.join(" ") || "as a whole", t.started_at, t.ended_at);
  }
  for (const t of timings.agent_connection_timings ?? [])
    add("connect", t.workspace_agent_name, t.started_at, t.ended_at);
  for (const t of timings.agent_script_timings ?? []) add(t.stage, t.display_name, t.started_at, t.ended_at);
  return out.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Waterfall shows where the time of a build went. */
export function Waterfall({ build }: { build: WorkspaceBuild }) {
  const done = Boolean(build.job.completed_at);
  const { data, error, refetch } = useQuery({
    ...read("GET /api/v2/workspacebuilds/{workspacebuild}/timings", { path: { workspacebuild: build.id } }),
    refetchInterval: done ? 15_000 : 2_000,
  });
  const list = data ? bars(build, data) : [];
  const first = Math.min(...list.map((b) => b.start));
  const span = Math.max(1, Math.max(...list.map((b) => b.end)) - first);
  return (
    <Card
      title={words.timings}
      actions={list.length > 0 ? <span className="text-muted text-sm tabular-nums">{duration(span)}</span> : null}
    >
      <div className="px-4 py-3">
        {error ? <ApiErrorBox error={error} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-24" /> : null}
        {data && list.length === 0 ? <p className="text-muted">{words.timingsNone}</p> : null}
        <ol className="flex max-h-96 flex-col gap-1.5 overflow-y-auto">
          {list.slice(0, 500).map((b, i) => (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: two steps may have all else in common
              key={`${b.group} ${b.name} ${b.start} ${i}`}
              className="grid grid-cols-[minmax(0,1fr)_4rem] items-center gap-x-3 text-sm sm:grid-cols-[minmax(0,16rem)_minmax(0,1fr)_4rem]"
            >
              <span className="truncate" title={plain(b.name, 300)}>
                <span className="text-muted">{plain(b.group, 40)}</span> {plain(b.name, 200)}
              </span>
              <span aria-hidden className="relative h-3 rounded-sm bg-sunken max-sm:order-last max-sm:col-span-2">
                <span
                  className={`absolute inset-y-0 min-w-0.5 rounded-sm ${b.group === "queue" ? "bg-line-strong" : "bg-accent"}`}
                  style={{
                    left: `${((b.start - first) / span) * 100}%`,
                    width: `${((b.end - b.start) / span) * 100}%`,
                  }}
                />
              </span>
              <span className="text-right text-muted tabular-nums">{duration(b.end - b.start)}</span>
            </li>
          ))}
        </ol>
      </div>
    </Card>
  );
}
