import { useQuery } from "@tanstack/react-query";
import type { Workspace } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { plain } from "@/lib/plain";
import { Empty } from "@/ui/bits";
import { Rebuild } from "./rebuild";
import { words } from "./texts";

/** Update builds a workspace with the active version of its template. */
export function Update({ workspace: w }: { workspace: Workspace }) {
  const { data: version } = useQuery(
    read("GET /api/v2/templateversions/{templateversion}", {
      path: { templateversion: w.template_active_version_id },
    }),
  );
  if (!w.outdated) return <Empty title={words.upToDate} text={words.upToDateText} />;
  return (
    <div className="flex flex-col gap-6">
      <div className="flex max-w-xl flex-col gap-1 rounded-lg border border-line bg-surface px-4 py-3">
        <p className="break-words font-medium">
          {plain(w.latest_build.template_version_name, 64)} <span aria-hidden>→</span>
          <span className="sr-only">{words.becomes}</span> {version ? plain(version.name, 64) : "…"}
        </p>
        {version ? (
          <p className="text-muted text-sm">
            <Ago at={version.created_at} /> {words.by} {plain(version.created_by.username, 64)}
          </p>
        ) : null}
        {version?.message ? <p className="whitespace-pre-line break-words">{plain(version.message, 2000)}</p> : null}
      </div>
      <Rebuild workspace={w} version={w.template_active_version_id} />
    </div>
  );
}
