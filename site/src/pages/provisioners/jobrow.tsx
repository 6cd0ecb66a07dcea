import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import type { ProvisionerJob } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { useMedia } from "@/hooks/media";
import { useNow } from "@/hooks/now";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { toneOf } from "@/lib/status";
import { between, duration } from "@/lib/time";
import { Button } from "@/ui/button";
import { ListingCell, ListingRow } from "@/ui/listing";
import { Status } from "@/ui/status";
import { Cancel } from "./cancel";
import { JobDetail } from "./jobdetail";
import { jobText, words } from "./texts";

interface Props {
  job: ProvisionerJob;
  organization: string;
  open: boolean;
  onOpen: (open: boolean) => void;
}

/** titleOf is a job in words. */
function titleOf(job: ProvisionerJob): string {
  const m = job.metadata;
  const template = plain(m?.template_display_name || m?.template_name || "", 64);
  if (job.type === "workspace_build") {
    const verb = { start: "Start", stop: "Stop", delete: "Delete" }[m?.workspace_build_transition ?? "start"];
    return `${verb} ${plain(m?.workspace_name || "a workspace", 64)}`;
  }
  const verb = job.type === "template_version_import" ? "Import" : "Try";
  return `${verb} ${template || "a template"}`;
}

/** The colour of "running" is that of work here, not that of a workspace that is well. */
const tone = (status: string) => (status === "running" ? "busy" : toneOf(status));

export function JobRow({ job, organization, open, onOpen }: Props) {
  const [asked, setAsked] = useState(false);
  // A cell over more columns than are shown would make columns of nothing.
  const shown =
    3 +
    Number(useMedia("(min-width: 640px)")) +
    Number(useMedia("(min-width: 768px)")) * 2 +
    Number(useMedia("(min-width: 1024px)"));
  const title = titleOf(job);
  const going = job.status === "pending" || job.status === "running";
  return (
    <>
      <ListingRow>
        <ListingCell className="h-13 w-10 py-2 pr-0 pl-4">
          <button
            type="button"
            aria-expanded={open}
            aria-label={words.open(title)}
            onClick={() => onOpen(!open)}
            className="inline-flex size-6 items-center justify-center rounded-md text-muted after:absolute after:inset-0"
          >
            <ChevronRight size={15} aria-hidden className={cx("transition-transform", open && "rotate-90")} />
          </button>
        </ListingCell>
        <ListingCell>
          <span className="block truncate font-medium">{title}</span>
          <span className="block truncate text-muted text-xs">
            {plain(job.metadata?.template_name ?? "", 64)} {plain(job.metadata?.template_version_name ?? "", 64)}
          </span>
        </ListingCell>
        <ListingCell>
          <Status tone={tone(job.status)}>{jobText[job.status] ?? job.status}</Status>
          {job.status === "pending" && job.queue_position > 0 ? (
            <span className="block truncate pl-4 text-muted text-xs">
              {words.queue(job.queue_position, job.queue_size)}
            </span>
          ) : null}
        </ListingCell>
        <ListingCell className="truncate text-muted max-md:hidden">
          <Person id={job.initiator_id} />
        </ListingCell>
        <ListingCell className="text-muted max-md:hidden">
          <Ago at={job.created_at} />
        </ListingCell>
        <ListingCell className="text-muted max-lg:hidden">
          <Took job={job} />
        </ListingCell>
        <ListingCell className="relative z-10 pr-3 text-right max-sm:hidden">
          {going ? (
            <Button size="sm" aria-label={words.cancelWhat(title)} onClick={() => setAsked(true)}>
              {words.cancel}
            </Button>
          ) : null}
        </ListingCell>
      </ListingRow>
      {open ? (
        <tr className="bg-page">
          <td colSpan={shown} className="px-4 py-4 sm:pl-12">
            <JobDetail job={job} organization={organization} />
            {going ? (
              <Button size="sm" className="mt-4 sm:hidden" onClick={() => setAsked(true)}>
                {words.cancelAct}
              </Button>
            ) : null}
          </td>
        </tr>
      ) : null}
      {asked ? <Cancel job={job} onClose={() => setAsked(false)} /> : null}
    </>
  );
}

/** Person is who asked for a job; who may not see them sees nothing. */
export function Person({ id }: { id: string }) {
  const user = useQuery({
    ...read("GET /api/v2/users/{user}", { path: { user: id } }),
    staleTime: 5 * 60_000,
    retry: false,
  });
  return user.data ? plain(user.data.username, 64) : "–";
}

/** Took is how long a job ran, or runs. */
export function Took({ job }: { job: ProvisionerJob }) {
  const now = useNow(job.status === "running");
  return job.started_at ? duration(between(job.started_at, job.completed_at, now)) : "–";
}
