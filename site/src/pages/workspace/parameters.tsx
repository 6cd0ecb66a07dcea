import { useQuery } from "@tanstack/react-query";
import type { Workspace } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { CodeBlock } from "@/ui/codeblock";
import { Badge } from "@/ui/status";
import { words } from "./texts";

/** Parameters are the values that the last build was given. */
export function Parameters({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const values = useQuery(
    read("GET /api/v2/workspacebuilds/{workspacebuild}/parameters", { path: { workspacebuild: build.id } }),
  );
  const known = useQuery(
    read("GET /api/v2/templateversions/{templateversion}/rich-parameters", {
      path: { templateversion: build.template_version_id },
    }),
  );
  const error = values.error ?? known.error;
  if (error)
    return (
      <ApiErrorBox
        error={error}
        title={words.partFailed}
        onRetry={() => void Promise.all([values.refetch(), known.refetch()])}
      />
    );
  if (!values.data || !known.data) return <Skeleton className="h-48" />;
  const given = new Map(values.data.map((v) => [v.name, v.value]));
  const strays = values.data.filter((v) => !known.data.some((p) => p.name === v.name));
  const rows = [
    ...known.data.map((p) => ({
      name: p.name,
      title: p.display_name || p.name,
      about: p.description_plaintext,
      value: given.get(p.name) ?? p.default_value,
      own: given.has(p.name),
    })),
    ...strays.map((v) => ({ name: v.name, title: v.name, about: words.parametersReset, value: v.value, own: true })),
  ];
  return (
    <Card title={words.parameters}>
      {rows.length === 0 ? <p className="px-4 py-3 text-muted">{words.parametersEmpty}</p> : null}
      <dl>
        {rows.map((p) => (
          <div
            key={p.name}
            className="grid gap-x-6 gap-y-1 border-line border-b px-4 py-3 last:border-b-0 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]"
          >
            <dt className="min-w-0">
              <span className="block font-medium">{plain(p.title, 120)}</span>
              {p.about ? <span className="line-clamp-3 block text-muted text-sm">{plain(p.about, 500)}</span> : null}
            </dt>
            <dd className="flex min-w-0 items-start gap-2">
              <code className="max-h-32 min-w-0 overflow-y-auto break-words font-mono text-sm">
                {plain(p.value, 2000) || "–"}
              </code>
              {p.own ? null : <Badge>{words.default}</Badge>}
            </dd>
          </div>
        ))}
      </dl>
      {rows.length > 0 ? (
        <div className="flex flex-col gap-2 border-line border-t px-4 py-3">
          <p className="text-muted">{words.parametersText}</p>
          <CodeBlock code={`coder update ${workspace.owner_name}/${workspace.name} --always-prompt`} />
        </div>
      ) : null}
    </Card>
  );
}
