import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ProvisionerDaemon } from "@/api/generated";
import { buildInfo, read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { PageHead } from "@/components/pagehead";
import { plain } from "@/lib/plain";
import { Empty, Skeleton } from "@/ui/bits";
import { CodeBlock } from "@/ui/codeblock";
import { Checkbox } from "@/ui/field";
import { Listing, ListingCell, ListingRow } from "@/ui/listing";
import { Status } from "@/ui/status";
import { Tags } from "./tags";
import { daemonText, keyText, words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/provisioners");

const columns = [
  { title: words.name },
  { title: words.status, className: "w-28" },
  { title: words.job, className: "max-md:hidden" },
  { title: words.tags, className: "max-sm:hidden" },
  { title: words.key, className: "w-36 max-lg:hidden" },
  { title: words.seen, className: "w-32 max-md:hidden" },
];

const tones = { idle: "ok", busy: "busy", offline: "off" } as const;

export default function DaemonsPage() {
  const { organization } = route.useParams();
  const { offline } = route.useSearch();
  const navigate = route.useNavigate();
  const daemons = useQuery({
    ...read("GET /api/v2/organizations/{organization}/provisionerdaemons", {
      path: { organization },
      query: { offline, limit: 1000 },
    }),
    refetchInterval: 5_000,
  });
  const rows = daemons.data ?? [];
  return (
    <>
      <PageHead title={words.daemons} text={words.daemonsText} />
      {daemons.error ? (
        <ApiErrorBox error={daemons.error} title={words.daemonsFailed} onRetry={() => void daemons.refetch()} />
      ) : (
        <Checkbox
          label={words.offlineToo}
          checked={offline ?? false}
          onChange={(on) => void navigate({ search: { offline: on || undefined }, replace: true })}
        />
      )}
      {daemons.isPending ? <Skeleton className="h-48" /> : null}
      {daemons.data && rows.length === 0 ? (
        <Empty title={words.daemonsNone} text={words.daemonsNoneText}>
          <CodeBlock code={words.daemonsCode(document.baseURI.replace(/\/+$/, ""), plain(organization, 64))} />
        </Empty>
      ) : null}
      {rows.length > 0 ? (
        <Listing label={words.daemons} columns={columns}>
          {rows.map((d) => (
            <Daemon key={d.id} daemon={d} organization={organization} />
          ))}
        </Listing>
      ) : null}
    </>
  );
}

function Daemon({ daemon: d, organization }: { daemon: ProvisionerDaemon; organization: string }) {
  const info = useQuery(buildInfo()).data;
  const old = info && d.version !== info.version;
  return (
    <ListingRow>
      <ListingCell>
        <span className="block truncate font-medium">{plain(d.name, 64)}</span>
        <span className={`block truncate text-xs ${old ? "text-warn" : "text-muted"}`}>{plain(d.version, 64)}</span>
      </ListingCell>
      <ListingCell>
        <Status tone={tones[d.status]}>{daemonText[d.status] ?? d.status}</Status>
      </ListingCell>
      <ListingCell className="truncate max-md:hidden">
        <DaemonJob daemon={d} organization={organization} />
      </ListingCell>
      <ListingCell className="max-sm:hidden">
        <Tags tags={d.tags} />
      </ListingCell>
      <ListingCell className="truncate text-muted max-lg:hidden">
        {keyText[d.key_name] ?? plain(d.key_name, 64)}
      </ListingCell>
      <ListingCell className="text-muted max-md:hidden">
        <Ago at={d.last_seen_at} />
      </ListingCell>
    </ListingRow>
  );
}

/** DaemonJob is the job of a daemon, or the one before. The API says null where there is none. */
function DaemonJob({ daemon, organization }: { daemon: ProvisionerDaemon; organization: string }) {
  const job = (daemon.current_job ?? daemon.previous_job) as ProvisionerDaemon["current_job"] | null;
  if (!job) return <span className="text-muted">{words.nothingYet}</span>;
  return (
    <>
      {daemon.current_job ? null : <span className="text-muted">{words.before} </span>}
      <Link
        to="/organizations/$organization/provisioner-jobs"
        params={{ organization }}
        search={{ job: job.id }}
        className="rounded-sm underline decoration-line-strong underline-offset-2 hover:decoration-text"
      >
        {plain(job.template_display_name || job.template_name || job.id, 64)}
      </Link>
    </>
  );
}
