import { CircleCheck } from "lucide-react";
import { Findings } from "@/components/findings";
import { LogView } from "@/components/logview";
import { jobUnderWay, useCancelVersion, useVersion, useVersionLog } from "@/components/versionbuild";
import { findingOf, findings } from "@/lib/diagnostics";
import { plain } from "@/lib/plain";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { ErrorBox } from "@/ui/errorbox";
import { Status } from "@/ui/status";
import { words } from "./texts";

/** Building shows how the first version comes about, and why it does not. */
export function Building({ id }: { id: string }) {
  const { data: version } = useVersion(id);
  const log = useVersionLog(id);
  const cancel = useCancelVersion();
  if (!version) return null;
  const { job } = version;
  const asks = job.error_code === "REQUIRED_TEMPLATE_VARIABLES";
  const said = findings(log.lines);
  const only = job.error ? findingOf(job.error) : undefined;
  const list = said.some((f) => f.level === "error") || !only ? said : [only, ...said];
  const found = list.some((f) => f.level === "error");
  return (
    <div className="flex min-w-0 flex-col gap-4">
      {job.status === "failed" && !asks && !found ? (
        <ErrorBox title={words.failed} message={plain(job.error ?? "", 2000)} />
      ) : null}
      <Card
        title={
          job.status === "succeeded" ? (
            <span className="inline-flex items-center gap-2">
              <CircleCheck size={16} aria-hidden className="text-ok" />
              {words.built}
            </span>
          ) : job.status === "canceled" ? (
            words.stopped
          ) : jobUnderWay(job.status) ? (
            <Status tone="busy">{job.status === "pending" ? words.waiting : words.building}</Status>
          ) : (
            <Status tone={asks ? "warn" : "bad"}>{asks ? words.asked : words.failed}</Status>
          )
        }
        actions={
          jobUnderWay(job.status) ? (
            <Button size="sm" busy={cancel.isPending || job.status === "canceling"} onClick={() => cancel.mutate(id)}>
              {words.stop}
            </Button>
          ) : null
        }
        className="overflow-hidden"
      >
        {job.status === "pending" && (job.queue_note || version.matched_provisioners?.count === 0) ? (
          <p className="border-line border-b bg-warn-soft px-4 py-2 text-warn">
            {plain(job.queue_note || words.nobody, 500)}
          </p>
        ) : null}
        {asks ? null : <Findings findings={list} />}
        <LogView
          log={log}
          label={words.building}
          empty={words.waiting}
          className={list.length ? "border-line border-t" : ""}
        />
      </Card>
    </div>
  );
}
