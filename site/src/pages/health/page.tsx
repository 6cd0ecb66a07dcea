import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import type { HealthReport } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { Facts } from "@/components/loglist";
import { shortDuration } from "@/lib/goduration";
import { plain } from "@/lib/plain";
import { Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Status } from "@/ui/status";
import { Check, toneOf } from "./check";
import { health } from "./query";
import { Relays } from "./relays";
import { Replicas } from "./replicas";
import { words } from "./texts";

export default function HealthPage() {
  const client = useQueryClient();
  const { data, error, isFetching, refetch } = useQuery(health(client));
  return (
    <>
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
          {data ? (
            <p className="text-muted">
              {words.checked} <Ago at={data.time} />. {words.auto}
            </p>
          ) : null}
        </div>
        {data ? (
          <Button busy={isFetching} icon={<RefreshCw size={15} aria-hidden />} onClick={() => void refetch()}>
            {words.recheck}
          </Button>
        ) : null}
      </header>
      {error ? (
        <ApiErrorBox
          error={error}
          title={data ? words.refreshFailed : words.loadFailed}
          onRetry={() => void refetch()}
        />
      ) : null}
      {!data && !error ? <Skeleton className="h-96" /> : null}
      {data ? <Report report={data} /> : null}
    </>
  );
}

function Report({ report: r }: { report: HealthReport }) {
  return (
    <div className="flex flex-col gap-4" aria-live="polite">
      <p className="flex flex-wrap items-center gap-x-4 gap-y-1 rounded-lg border border-line bg-surface px-4 py-3">
        <Status tone={toneOf(r.severity)} className="font-semibold">
          {words.summary[r.severity] ?? plain(r.severity, 40)}
        </Status>
        <span className="text-muted text-sm sm:ml-auto">
          {words.version} {plain(r.coder_version, 64)}
        </span>
      </p>
      <Check title={words.accessUrl} text={words.accessUrlText} section={r.access_url}>
        <Facts
          facts={[
            [
              words.url,
              <code key="url" className="wrap-anywhere font-mono text-sm">
                {plain(r.access_url.access_url, 500)}
              </code>,
            ],
            [words.reachable, r.access_url.reachable ? words.yes : words.no],
          ]}
        />
      </Check>
      <Check title={words.database} text={words.databaseText} section={r.database}>
        <Facts
          facts={[
            [words.reachable, r.database.reachable ? words.yes : words.no],
            [
              words.latency,
              r.database.reachable ? (
                <span key="latency">
                  {plain(shortDuration(r.database.latency), 32)}{" "}
                  <span className="text-muted">({words.good(r.database.threshold_ms)})</span>
                </span>
              ) : (
                ""
              ),
            ],
          ]}
        />
      </Check>
      <Check title={words.relay} text={words.relayText} section={r.derp}>
        <Relays />
      </Check>
      <Check title={words.websocket} text={words.websocketText} section={r.websocket} />
      <Check title={words.daemons} text={words.daemonsText} section={r.provisioner_daemons}>
        <Facts facts={[[words.online, String(r.provisioner_daemons.online)]]} />
      </Check>
      <Replicas section={r.replicas} />
      <Regions />
    </div>
  );
}

/** Regions are the places that serve applications, where the deployment has more than one. */
function Regions() {
  const { data } = useQuery({ ...read("GET /api/v2/regions"), staleTime: 60_000 });
  const regions = data?.regions ?? [];
  if (regions.length < 2) return null;
  return (
    <Check title={words.regions} text={words.regionsText}>
      <ul className="flex flex-col gap-2">
        {regions.map((region) => (
          <li key={region.id} className="flex flex-wrap items-center gap-x-3">
            <Status tone={region.healthy ? "ok" : "bad"}>{plain(region.display_name || region.name, 64)}</Status>
            <code className="wrap-anywhere font-mono text-muted text-sm">{plain(region.path_app_url, 300)}</code>
          </li>
        ))}
      </ul>
    </Check>
  );
}
