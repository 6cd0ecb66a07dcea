import { plain } from "@/lib/plain";
import { Badge } from "@/ui/status";
import { words } from "./texts";

/** Tags of a job, daemon or key, without those that all have. */
export function Tags({ tags }: { tags: Record<string, string> | undefined }) {
  const all = Object.entries(tags ?? {});
  const shown = all.filter(([key]) => key !== "scope" && key !== "owner").slice(0, 30);
  const personal = tags?.scope === "user";
  if (shown.length === 0 && !personal) return <span className="text-muted">{words.noTags}</span>;
  return (
    <span className="flex min-w-0 flex-wrap gap-1">
      {personal ? <Badge tone="warn">{words.onlyOf}</Badge> : null}
      {shown.map(([key, value]) => (
        <Badge key={key}>
          <span className="max-w-48 truncate">{`${plain(key, 64)}=${plain(value, 64)}`}</span>
        </Badge>
      ))}
    </span>
  );
}
