import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { PageHead } from "@/components/pagehead";
import { Empty, Skeleton } from "@/ui/bits";
import { Field, Select } from "@/ui/field";
import { Listing } from "@/ui/listing";
import { JobRow } from "./jobrow";
import { jobText, words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/provisioner-jobs");

const columns = [
  { title: words.details, className: "w-10", silent: true },
  { title: words.what },
  { title: words.status, className: "w-36" },
  { title: words.who, className: "max-md:hidden w-32" },
  { title: words.when, className: "max-md:hidden w-32" },
  { title: words.took, className: "max-lg:hidden w-24" },
  { title: words.cancel, className: "w-22 max-sm:hidden", silent: true },
];

const moving = (status: string) => status === "pending" || status === "running" || status === "canceling";

export default function JobsPage() {
  const { organization } = route.useParams();
  const { status, job } = route.useSearch();
  const navigate = route.useNavigate();
  const jobs = useQuery({
    ...read("GET /api/v2/organizations/{organization}/provisionerjobs", {
      path: { organization },
      query: { status, limit: 100 },
    }),
    refetchInterval: (query) => (query.state.data?.some((j) => moving(j.status)) ? 1_500 : 5_000),
  });
  const listed = jobs.data ?? [];
  // A link may lead to a job that the list does not have any more.
  const absent = Boolean(job && jobs.data && !listed.some((j) => j.id === job));
  const one = useQuery({
    ...read("GET /api/v2/organizations/{organization}/provisionerjobs/{job}", {
      path: { organization, job: job ?? "" },
    }),
    enabled: absent,
  });
  const rows = absent && one.data ? [one.data, ...listed] : listed;
  const open = (id: string | undefined) => void navigate({ search: { status, job: id }, replace: true });
  return (
    <>
      <PageHead title={words.jobs} text={words.jobsText} />
      {jobs.error ? (
        <ApiErrorBox error={jobs.error} title={words.jobsFailed} onRetry={() => void jobs.refetch()} />
      ) : null}
      {one.error && absent ? <ApiErrorBox error={one.error} /> : null}
      <div className="[&_label]:sr-only">
        <Field label={words.filter}>
          <Select
            className="w-44"
            value={status ?? ""}
            onChange={(e) => void navigate({ search: { status: e.target.value || undefined }, replace: true })}
          >
            <option value="">{words.allStates}</option>
            {Object.entries(jobText).map(([key, text]) => (
              <option key={key} value={key}>
                {text}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      {jobs.isPending ? <Skeleton className="h-64" /> : null}
      {jobs.data && rows.length === 0 ? (
        status ? (
          <Empty title={words.jobsNoneSuch} />
        ) : (
          <Empty title={words.jobsNone} text={words.jobsNoneText} />
        )
      ) : null}
      {rows.length > 0 ? (
        <Listing label={words.jobs} columns={columns}>
          {rows.map((j) => (
            <JobRow
              key={j.id}
              job={j}
              organization={organization}
              open={j.id === job}
              onOpen={(on) => open(on ? j.id : undefined)}
            />
          ))}
        </Listing>
      ) : null}
    </>
  );
}
