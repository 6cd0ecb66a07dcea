import { useQuery } from "@tanstack/react-query";
import { Check, Minus } from "lucide-react";
import type { Feature } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { Badge } from "@/ui/status";
import { features, words } from "./texts";

export default function Included() {
  const { data, error, refetch } = useQuery({ ...read("GET /api/v2/entitlements"), staleTime: 60_000 });
  const list = Object.entries(data?.features ?? {}).sort(([a], [b]) => nameOf(a).localeCompare(nameOf(b)));
  const said = [...(data?.errors ?? []), ...(data?.warnings ?? [])];
  return (
    <>
      <header>
        <h1 className="font-semibold text-lg tracking-tight">{words.includedTitle}</h1>
        <p className="text-balance text-muted">{words.includedIntro}</p>
      </header>
      {error ? <ApiErrorBox error={error} title={words.includedFailed} onRetry={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton className="h-96" /> : null}
      {said.map((text) => (
        <p key={text} className="rounded-md border border-warn/40 bg-warn-soft px-3 py-2">
          {plain(text, 500)}
        </p>
      ))}
      {data ? (
        <ul className="grid gap-px overflow-hidden rounded-lg border border-line bg-line sm:grid-cols-2">
          {list.map(([key, feature]) => (
            <Row key={key} name={key} feature={feature} />
          ))}
        </ul>
      ) : null}
      <Experiments />
    </>
  );
}

/** nameOf is what people call a feature. */
function nameOf(key: string): string {
  const text = plain(key, 80).replaceAll("_", " ");
  return features[key]?.[0] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

function Row({ name, feature }: { name: string; feature: Feature }) {
  const has = feature.entitlement !== "not_entitled";
  return (
    <li className="flex items-start gap-3 bg-surface px-4 py-3">
      {has ? (
        <Check size={16} aria-hidden className="mt-0.5 shrink-0 text-ok" />
      ) : (
        <Minus size={16} aria-hidden className="mt-0.5 shrink-0 text-muted" />
      )}
      <div className="min-w-0 flex-1">
        <h2 className="font-medium">{nameOf(name)}</h2>
        {features[name] ? <p className="text-muted text-sm">{features[name][1]}</p> : null}
        {feature.limit === undefined ? null : (
          <p className="text-muted text-sm">{words.includedLimit(feature.limit)}</p>
        )}
      </div>
      {has && feature.enabled ? null : <Badge>{has ? words.includedOff : words.includedNot}</Badge>}
    </li>
  );
}

/** Experiments are what a release has unfinished, with those that are on. */
function Experiments() {
  const all = useQuery({ ...read("GET /api/v2/experiments/available"), staleTime: 60_000 });
  const on = useQuery({ ...read("GET /api/v2/experiments"), staleTime: 60_000 });
  if (!all.data || !on.data) return null;
  const names = [...new Set([...(all.data ?? []), ...(on.data ?? [])])].sort();
  return (
    <Card title={words.experiments}>
      {names.length === 0 ? <p className="px-4 py-3 text-muted">{words.experimentsNone}</p> : null}
      {names.length > 0 ? (
        <ul>
          {names.map((name) => (
            <li key={name} className="flex items-center gap-3 border-line px-4 py-2.5 not-last:border-b">
              <code className="min-w-0 flex-1 break-all font-mono text-sm">{plain(name, 100)}</code>
              <Badge tone={on.data?.includes(name) ? "ok" : "off"}>
                {on.data?.includes(name) ? words.experimentOn : words.experimentOff}
              </Badge>
            </li>
          ))}
        </ul>
      ) : null}
    </Card>
  );
}
