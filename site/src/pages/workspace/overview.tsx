import { Link } from "@tanstack/react-router";
import type { Workspace, WorkspaceResource } from "@/api/generated";
import { useBuild } from "@/components/builds";
import { plain } from "@/lib/plain";
import { refusal, underWay } from "@/lib/status";
import { Card, Empty } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { ErrorBox } from "@/ui/errorbox";
import { Badge } from "@/ui/status";
import { Agent } from "./agent";
import { BuildLog } from "./buildlog";
import { words } from "./texts";

/** Overview is what one looks at: the build while there is one, the agents, the resources. */
export function Overview({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const resources = build.resources ?? [];
  const agents = resources.flatMap((r) => r.agents ?? []);
  const busy = underWay(build.status);
  const on = build.status === "running" || (build.transition === "start" && busy);
  return (
    <div className="flex flex-col gap-5">
      {build.job.error ? <Failed workspace={workspace} /> : null}
      {busy || build.job.error ? (
        <Card title={words.log}>
          {build.status === "pending" ? <Waiting workspace={workspace} /> : null}
          <BuildLog build={build} />
        </Card>
      ) : null}
      {on ? agents.map((agent) => <Agent key={agent.id} workspace={workspace} agent={agent} />) : null}
      {build.status === "running" && agents.length === 0 ? (
        <Empty title={words.noAgents} text={words.noAgentsText} />
      ) : null}
      {build.status === "stopped" ? <Off workspace={workspace} /> : null}
      {build.status === "deleted" ? <Empty title={words.deletedTitle} text={words.deletedText} /> : null}
      {resources.length > 0 ? <Resources resources={resources} /> : null}
    </div>
  );
}

function Failed({ workspace }: { workspace: Workspace }) {
  const { job, transition } = workspace.latest_build;
  const build = useBuild();
  const error = plain(job.error ?? "", 2000);
  return (
    <ErrorBox
      title={words.failed}
      message={transition === "delete" ? `${error}\n${words.deleteFailed}` : error}
      actions={
        transition === "delete" ? undefined : (
          <Button size="sm" busy={build.isPending} onClick={() => build.mutate({ workspace, transition, debug: true })}>
            {words.retryDebug}
          </Button>
        )
      }
    />
  );
}

function Off({ workspace }: { workspace: Workspace }) {
  const build = useBuild();
  return (
    <Card>
      <Empty title={words.offTitle} text={words.offText}>
        <span className="flex justify-center gap-2">
          <Button
            look="primary"
            busy={build.isPending}
            reason={refusal("start", workspace.latest_build.status) || undefined}
            onClick={() => build.mutate({ workspace, transition: "start" })}
          >
            {words.start}
          </Button>
          <Link from="/@{$owner}/$name" to="." search={{ tab: "parameters" }} className={buttonClass()}>
            {words.startWith}
          </Link>
        </span>
      </Empty>
    </Card>
  );
}

function Waiting({ workspace }: { workspace: Workspace }) {
  const job = workspace.latest_build.job;
  return (
    <p className="border-line border-b px-4 py-2 text-muted">
      {job.queue_note ? plain(job.queue_note, 500) : words.waiting}{" "}
      {job.queue_size > 0 ? words.place(job.queue_position, job.queue_size) : null}
    </p>
  );
}

function Resources({ resources }: { resources: WorkspaceResource[] }) {
  const shown = resources.filter((r) => !r.hide);
  return (
    <Card title={words.resources}>
      {shown.length === 0 ? <p className="px-4 py-3 text-muted">{words.resourcesEmpty}</p> : null}
      <ul>
        {shown.map((r) => (
          <li
            key={r.id}
            className="flex flex-wrap items-baseline gap-x-4 gap-y-1 border-line border-b px-4 py-2.5 last:border-b-0"
          >
            <code className="min-w-0 break-all font-mono text-sm">
              {plain(r.address || `${r.type}.${r.name}`, 200)}
            </code>
            <Badge tone={r.persistent ? "ok" : "off"}>{r.persistent ? words.kept : words.lost}</Badge>
            <dl className="flex min-w-0 flex-1 basis-full flex-wrap gap-x-4 text-muted text-sm sm:basis-0 sm:justify-end">
              {(r.metadata ?? []).map((m) => (
                <div key={m.key} className="flex min-w-0 gap-1.5">
                  <dt>{plain(m.key, 100)}</dt>
                  <dd className="break-words text-text">{m.sensitive ? "••••" : plain(m.value, 300)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </Card>
  );
}
