import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Preset, TemplateVersion, TemplateVersionExternalAuth, TemplateVersionVariable } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { Badge } from "@/ui/status";
import { useTemplate, useVersion } from "./data";
import { Parameters, Resources } from "./parts";
import { words } from "./texts";

/** TemplateDocs tells what the active version has, as its import has found it. */
export default function TemplateDocs() {
  const template = useTemplate();
  const { data: version, error, refetch } = useVersion(template);
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!version) return <Skeleton className="h-72" />;
  return <Docs version={version} />;
}

function Docs({ version }: { version: TemplateVersion }) {
  const path = { templateversion: version.id };
  const parameters = useQuery(read("GET /api/v2/templateversions/{templateversion}/rich-parameters", { path }));
  const presets = useQuery(read("GET /api/v2/templateversions/{templateversion}/presets", { path }));
  const variables = useQuery(read("GET /api/v2/templateversions/{templateversion}/variables", { path }));
  const resources = useQuery(read("GET /api/v2/templateversions/{templateversion}/resources", { path }));
  const services = useQuery(read("GET /api/v2/templateversions/{templateversion}/external-auth", { path }));
  const tags = Object.entries(version.job.tags).filter(([, value]) => value);
  return (
    <div className="flex flex-col gap-5">
      <p className="text-muted">{words.docsOf(plain(version.name, 64))}</p>
      <Part title={words.parameters} query={parameters}>
        {(list) => <Parameters list={list} />}
      </Part>
      <Part title={words.presets} query={presets} leaveOut>
        {(list) => <Presets list={list} />}
      </Part>
      <Part title={words.resources} query={resources}>
        {(list) => <Resources list={list.filter((r) => r.workspace_transition === "start")} />}
      </Part>
      <Part title={words.variables} query={variables} leaveOut>
        {(list) => <Variables list={list} />}
      </Part>
      <Part title={words.externalAuth} query={services} leaveOut>
        {(list) => <Services list={list} />}
      </Part>
      <Card title={words.tags}>
        <ul className="flex flex-wrap gap-2 px-4 py-3">
          {tags.map(([key, value]) => (
            <li key={key}>
              <Badge>
                {plain(key, 64)}={plain(value, 64)}
              </Badge>
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

interface PartProps<T> {
  title: string;
  query: { data?: T[] | null; error: unknown; refetch: () => unknown };
  /** leaveOut shows nothing where the list is empty. */
  leaveOut?: boolean;
  children: (list: T[]) => ReactNode;
}

function Part<T>({ title, query, leaveOut, children }: PartProps<T>) {
  if (query.error) return <ApiErrorBox error={query.error} title={title} onRetry={() => void query.refetch()} />;
  if (leaveOut && !query.data?.length) return null;
  return <Card title={title}>{query.data ? children(query.data) : <Skeleton className="m-4 h-16" />}</Card>;
}

const Presets = ({ list }: { list: Preset[] }) => (
  <ul>
    {list.map((preset) => (
      <li key={preset.ID} className="flex flex-col gap-1 border-line border-b px-4 py-3 last:border-b-0">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium">{plain(preset.Name, 128)}</span>
          {preset.Default ? <Badge tone="ok">{words.isDefault}</Badge> : null}
        </p>
        {preset.Description ? <p className="text-muted text-sm">{plain(preset.Description, 1000)}</p> : null}
        <ul className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
          {preset.Parameters?.map((p) => (
            <li key={p.Name} className="min-w-0 break-words">
              <span className="text-muted">{plain(p.Name, 128)}</span> {plain(p.Value, 200)}
            </li>
          ))}
        </ul>
      </li>
    ))}
  </ul>
);

const Variables = ({ list }: { list: TemplateVersionVariable[] }) => (
  <ul>
    {list.map((v) => (
      <li key={v.name} className="flex flex-col gap-1 border-line border-b px-4 py-3 last:border-b-0">
        <p className="flex flex-wrap items-center gap-2">
          <code className="min-w-0 break-all font-mono text-sm">{plain(v.name, 200)}</code>
          <span className="text-muted text-sm">{plain(v.type, 64)}</span>
          {v.required ? <Badge tone="warn">{words.required}</Badge> : null}
          {v.sensitive ? <Badge>{words.sensitive}</Badge> : null}
        </p>
        {v.description ? <p className="text-muted text-sm">{plain(v.description, 1000)}</p> : null}
      </li>
    ))}
  </ul>
);

const Services = ({ list }: { list: TemplateVersionExternalAuth[] }) => (
  <ul>
    {list.map((service) => (
      <li key={service.id} className="flex flex-wrap items-center gap-2 border-line border-b px-4 py-3 last:border-b-0">
        <span className="font-medium">{plain(service.display_name || service.id, 128)}</span>
        <span className="text-muted text-sm">{plain(service.type, 64)}</span>
        <Badge>{service.optional ? words.optional : words.required}</Badge>
        {service.authenticated ? <Badge tone="ok">{words.signedIn}</Badge> : null}
      </li>
    ))}
  </ul>
);
