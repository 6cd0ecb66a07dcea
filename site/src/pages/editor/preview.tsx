import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { request } from "@/api/client";
import type { Diagnostic, PreviewParameter, WorkspaceResource } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Skeleton } from "@/ui/bits";
import { Badge } from "@/ui/status";
import { words } from "./texts";

/** Preview is what people will be asked by a version, and what their workspaces are made of. */
export function Preview({ version, opened }: { version: string; opened: boolean }) {
  const path = { templateversion: version };
  const parameters = useQuery({
    queryKey: ["POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate", version],
    queryFn: ({ signal }) =>
      request("POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate", {
        path,
        body: { id: 0, inputs: {} },
        signal,
      }),
  });
  const resources = useQuery(read("GET /api/v2/templateversions/{templateversion}/resources", { path }));
  const list = resources.data ?? [];
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      {opened ? (
        <p className="border-line border-b bg-sunken px-4 py-2 text-muted text-sm">{words.previewOpened}</p>
      ) : null}
      <Section title={words.parameters}>
        {parameters.isError ? <ApiErrorBox error={parameters.error} title={words.parametersError} /> : null}
        {parameters.isPending ? <Skeleton className="h-16" /> : null}
        <Diagnostics list={parameters.data?.diagnostics} />
        {parameters.data && !parameters.data.parameters?.length ? (
          <p className="text-muted">{words.parametersNone}</p>
        ) : null}
        {parameters.data?.parameters?.map((p) => (
          <Parameter key={p.name} parameter={p} />
        ))}
      </Section>
      <Section title={words.resources}>
        {resources.isError ? <ApiErrorBox error={resources.error} title={words.resourcesError} /> : null}
        {resources.isPending ? <Skeleton className="h-16" /> : null}
        {resources.data && !list.some((r) => r.workspace_transition === "start") ? (
          <p className="text-muted">{words.resourcesNone}</p>
        ) : null}
        {list
          .filter((r) => r.workspace_transition === "start")
          .map((r) => (
            <Resource key={r.id} resource={r} />
          ))}
      </Section>
    </div>
  );
}

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="flex flex-col gap-3 border-line border-b p-4">
    <h3 className="font-semibold">{title}</h3>
    {children}
  </section>
);

function Diagnostics({ list }: { list: readonly Diagnostic[] | null | undefined }) {
  return list?.map((d) => (
    <p
      key={d.summary + d.detail}
      className={`whitespace-pre-line break-words text-sm ${d.severity === "error" ? "text-bad" : "text-warn"}`}
    >
      {[d.summary, d.detail]
        .filter(Boolean)
        .map((t) => plain(t.replaceAll("\n", " "), 1000))
        .join(": ")}
    </p>
  ));
}

function Parameter({ parameter: p }: { parameter: PreviewParameter }) {
  const value = p.value.valid ? p.value.value : "";
  const chosen = p.options?.find((o) => o.value.value === value)?.name ?? value;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <p className="flex flex-wrap items-center gap-2">
        <span className="min-w-0 break-words font-medium">{plain(p.display_name || p.name, 200)}</span>
        <Badge>{plain(p.form_type || p.type, 30)}</Badge>
        <span className="text-muted text-xs">
          {[p.required ? words.requiredShort : words.optional, p.mutable ? "" : words.fixed].filter(Boolean).join(", ")}
        </span>
      </p>
      {p.description ? (
        <p className="break-words text-muted text-sm">{plain(p.description.replaceAll("\n", " "), 500)}</p>
      ) : null}
      {chosen !== "" ? (
        <p className="min-h-7 break-words rounded-md border border-line bg-sunken px-2.5 py-1 text-sm">
          {plain(chosen, 500)}
        </p>
      ) : null}
      {p.options && p.options.length > 0 ? (
        <p className="break-words text-muted text-xs">
          {p.options
            .slice(0, 50)
            .map((o) => plain(o.name, 60))
            .join(" · ")}
        </p>
      ) : null}
      <Diagnostics list={p.diagnostics} />
    </div>
  );
}

function Resource({ resource: r }: { resource: WorkspaceResource }) {
  return (
    <div className="flex min-w-0 flex-col gap-1 text-sm">
      <p className="flex flex-wrap items-center gap-2">
        <span className="break-all font-mono">{plain(r.address || `${r.type}.${r.name}`, 200)}</span>
        {r.persistent ? <Badge tone="ok">{words.keeps}</Badge> : null}
      </p>
      {r.agents?.map((agent) => (
        <p key={agent.id} className="break-words pl-4 text-muted">
          {words.agent} <span className="text-text">{plain(agent.name, 64)}</span>, {plain(agent.operating_system, 30)}/
          {plain(agent.architecture, 30)}
          {agent.apps?.length ? (
            <>
              {" · "}
              {words.apps}:{" "}
              {agent.apps
                .slice(0, 30)
                .map((a) => plain(a.display_name || a.slug, 64))
                .join(", ")}
            </>
          ) : null}
        </p>
      ))}
    </div>
  );
}
