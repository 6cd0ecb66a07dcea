import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Workspace, WorkspaceBuild } from "@/api/generated";
import { builds as buildsQuery } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { useNow } from "@/hooks/now";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { toneOf } from "@/lib/status";
import { between, duration } from "@/lib/time";
import { Card, Empty, Skeleton } from "@/ui/bits";
import { ErrorBox } from "@/ui/errorbox";
import { Status } from "@/ui/status";
import { BuildLog } from "./buildlog";
import { transitionText, words } from "./texts";
import { Waterfall } from "./waterfall";

const route = getRouteApi("/in/@{$owner}/$name");

/** Builds is the history, and one build of it in full: times and log. */
export function Builds({ workspace }: { workspace: Workspace }) {
  const { build: number } = route.useSearch();
  const latest = workspace.latest_build;
  const { data, error, refetch } = useQuery(buildsQuery(workspace.id));
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-72" />;
  // The stream knows the newest build before the list does.
  const list = [latest, ...data.filter((b) => b.id !== latest.id)];
  const shown = list.find((b) => b.build_number === number) ?? latest;
  return (
    <div className="grid gap-5 lg:grid-cols-[18rem_minmax(0,1fr)] lg:items-start">
      <Card title={words.builds}>
        <ul className="max-h-80 overflow-y-auto lg:max-h-[70vh]">
          {list.map((b) => (
            <li key={b.id} className="border-line border-b last:border-b-0">
              <Link
                from="/@{$owner}/$name"
                to="."
                search={{ tab: "builds", build: b.build_number }}
                replace
                aria-current={b.id === shown.id ? "true" : undefined}
                className={cx(
                  "flex flex-col gap-0.5 px-4 py-2 outline-offset-[-2px] hover:bg-hover",
                  b.id === shown.id && "bg-accent-soft",
                )}
              >
                <span className="flex items-center gap-2 font-medium">
                  <Status tone={toneOf(b.job.status)}>{transitionText[b.transition]}</Status>
                  <span className="ml-auto font-normal text-muted tabular-nums">#{b.build_number}</span>
                </span>
                <span className="flex gap-2 text-muted text-sm">
                  <span className="min-w-0 flex-1 truncate">
                    <Ago at={b.created_at} /> {words.by} {b.initiator_name}
                  </span>
                  <Took build={b} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
        {data.length >= 50 ? (
          <p className="border-line border-t px-4 py-2 text-muted text-xs">{words.buildsOlder}</p>
        ) : null}
      </Card>
      {shown ? <Build key={shown.id} build={shown} /> : <Empty title={words.buildsEmpty} />}
    </div>
  );
}

function Took({ build: { job } }: { build: WorkspaceBuild }) {
  const running = Boolean(job.started_at && !job.completed_at);
  const now = useNow(running);
  if (!job.started_at) return null;
  return <span className="shrink-0 tabular-nums">{duration(between(job.started_at, job.completed_at, now))}</span>;
}

function Build({ build }: { build: WorkspaceBuild }) {
  return (
    <div className="flex min-w-0 flex-col gap-5">
      {build.job.error ? (
        <ErrorBox
          title={`${words.build(build.build_number)}: ${transitionText[build.transition]}`}
          message={plain(build.job.error, 2000)}
        />
      ) : null}
      <Waterfall build={build} />
      <Card title={words.log} className="overflow-hidden">
        <BuildLog build={build} />
      </Card>
    </div>
  );
}
