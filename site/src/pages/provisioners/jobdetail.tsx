import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ProvisionerJob } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { plain } from "@/lib/plain";
import { duration } from "@/lib/time";
import { Tags } from "./tags";
import { words } from "./texts";

const link = "rounded-sm underline decoration-line-strong underline-offset-2 hover:decoration-text";

/** JobDetail is what a job is about, where it runs, and what went wrong. */
export function JobDetail({ job, organization }: { job: ProvisionerJob; organization: string }) {
  const m = job.metadata;
  return (
    <div className="flex flex-col gap-4">
      {job.error ? (
        <Fact name={words.error} wide>
          <pre
            tabIndex={0}
            className="mt-1 max-h-48 overflow-auto whitespace-pre-wrap break-words rounded-md border border-bad/40 bg-bad-soft px-3 py-2 font-mono text-sm"
          >
            {plain(job.error)}
          </pre>
        </Fact>
      ) : null}
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-2 lg:grid-cols-3">
        {job.queue_note ? <Fact name={words.note}>{plain(job.queue_note, 400)}</Fact> : null}
        {m?.workspace_id ? (
          <Fact name={words.workspace}>
            <WorkspaceLink id={m.workspace_id} name={plain(m.workspace_name ?? "", 64)} />
          </Fact>
        ) : null}
        {m?.template_name ? (
          <Fact name={words.template}>
            <Link
              to="/templates/$organization/$template"
              params={{ organization, template: m.template_name }}
              className={link}
            >
              {plain(m.template_display_name || m.template_name, 64)}
            </Link>
            {m.template_version_name ? (
              <>
                {", "}
                <Link
                  to="/templates/$organization/$template/versions/$version"
                  params={{ organization, template: m.template_name, version: m.template_version_name }}
                  className={link}
                >
                  {plain(m.template_version_name, 64)}
                </Link>
              </>
            ) : null}
          </Fact>
        ) : null}
        <Fact name={words.tags}>
          <Tags tags={job.tags} />
        </Fact>
        <Fact name={words.worker}>
          {job.worker_name
            ? plain(job.worker_name, 64)
            : job.available_workers
              ? words.couldRun(job.available_workers.length)
              : "–"}
          {job.queue_estimate_ms !== undefined ? ` · ${words.soon(duration(job.queue_estimate_ms))}` : ""}
        </Fact>
        <Fact name={words.started}>{job.started_at ? <Ago at={job.started_at} /> : "–"}</Fact>
        <Fact name={words.id}>
          <code className="break-all font-mono text-xs">{job.id}</code>
        </Fact>
      </dl>
    </div>
  );
}

/** WorkspaceLink asks whose the workspace is: the job does not say. */
function WorkspaceLink({ id, name }: { id: string; name: string }) {
  const w = useQuery({ ...read("GET /api/v2/workspaces/{workspace}", { path: { workspace: id } }), retry: false }).data;
  if (!w) return name || id;
  return (
    <Link
      to="/@{$owner}/$name"
      params={{ owner: w.owner_name, name: w.name }}
      search={{ tab: "builds" }}
      className={link}
    >
      {`${plain(w.owner_name, 64)}/${plain(w.name, 64)}`}
    </Link>
  );
}

function Fact({ name, wide, children }: { name: string; wide?: boolean; children: ReactNode }) {
  const Title = wide ? "p" : "dt";
  const Value = wide ? "div" : "dd";
  return (
    <div className="min-w-0">
      <Title className="text-muted text-xs">{name}</Title>
      <Value className="min-w-0 break-words">{children}</Value>
    </div>
  );
}
