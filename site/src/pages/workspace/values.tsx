import { useQuery } from "@tanstack/react-query";
import { evaluate } from "@/api/evaluate";
import { ApiErrorBox } from "@/components/apierror";
import type { Values } from "@/components/parameters/rules";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { words } from "./texts";

/** FixedValues are the values of the last build, for those who cannot ask for others. */
export function FixedValues({ version, values }: { version: string; values: Values }) {
  // In the name of who looks: it is about titles, and about what is to be hidden.
  const { data, error } = useQuery({
    queryKey: ["parameters as oneself", version, values],
    queryFn: () => evaluate(version, undefined, values),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) return <ApiErrorBox error={error} title={words.partFailed} />;
  if (!data) return <Skeleton className="h-64" />;
  const known = new Map((data.parameters ?? []).map((p) => [p.name, p]));
  const list = Object.entries(values);
  return (
    <Card title={words.parameters}>
      <p className="border-line border-b px-4 py-3 text-muted">{list.length > 0 ? words.blind : words.valueNone}</p>
      <dl>
        {list.map(([name, value]) => (
          <div key={name} className="grid grid-cols-2 gap-4 border-line border-b px-4 py-2 last:border-b-0">
            <dt className="min-w-0 break-words font-medium">{plain(known.get(name)?.display_name || name, 120)}</dt>
            <dd className="max-h-32 min-w-0 overflow-y-auto break-words font-mono text-sm">
              {known.get(name)?.styling.mask_input && value ? "••••" : plain(value, 2000) || "–"}
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
