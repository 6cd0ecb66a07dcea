import type { ReactNode } from "react";
import type { TemplateVersion } from "@/api/generated";
import type { Log } from "@/api/logs";
import { ApiErrorBox } from "@/components/apierror";
import { Findings } from "@/components/findings";
import { LogView } from "@/components/logview";
import { jobUnderWay, useCancelVersion } from "@/components/versionbuild";
import type { Finding } from "@/lib/diagnostics";
import { plain } from "@/lib/plain";
import { toneOf } from "@/lib/status";
import { Empty } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Status } from "@/ui/status";
import { words } from "./texts";

interface Props {
  /** version is what was built last; nothing when nothing was. */
  version: TemplateVersion | undefined;
  log: Log;
  findings: readonly Finding[];
  /** error is why the last build could not be started. */
  error: unknown;
  onOpen: (finding: Finding) => void;
  onSettings: () => void;
}

/** BuildPanel is how the last build goes: its state, what Terraform has found, its log. */
export function BuildPanel({ version, log, findings, error, onOpen, onSettings }: Props): ReactNode {
  const cancel = useCancelVersion();
  const refused = error ? (
    <div className="p-3">
      <ApiErrorBox error={error} title={words.notBuilt} />
    </div>
  ) : null;
  if (!version) return refused ?? <Empty title={words.idle} text={words.idleText} />;
  const { job } = version;
  const asks = job.error_code === "REQUIRED_TEMPLATE_VARIABLES";
  const note =
    job.status === "pending" && (job.queue_note || (version.matched_provisioners?.count === 0 && words.nobody));
  const tone = job.status === "running" ? "busy" : toneOf(job.status);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {refused}
      <div role="status" className="flex min-h-10 items-center gap-3 border-line border-b px-4 py-1.5">
        <Status tone={asks ? "warn" : tone}>{asks ? words.asks : (words.status[job.status] ?? job.status)}</Status>
        <span className="min-w-0 flex-1 truncate text-muted text-sm">{plain(version.name, 64)}</span>
        {jobUnderWay(job.status) ? (
          <Button
            size="sm"
            busy={cancel.isPending || job.status === "canceling"}
            onClick={() => cancel.mutate(version.id)}
          >
            {words.stop}
          </Button>
        ) : null}
        {asks ? (
          <Button size="sm" look="primary" onClick={onSettings}>
            {words.setValues}
          </Button>
        ) : null}
      </div>
      {note ? <p className="border-line border-b bg-warn-soft px-4 py-2 text-warn">{plain(note, 500)}</p> : null}
      {job.error && !findings.some((f) => f.level === "error") ? (
        <p role="alert" className="whitespace-pre-line break-words border-line border-b bg-bad-soft px-4 py-2">
          {plain(job.error.replaceAll("\n", " "), 2000)}
        </p>
      ) : null}
      {findings.length > 0 ? (
        <div className="max-h-[45%] shrink-0 overflow-y-auto border-line border-b max-lg:max-h-96">
          <Findings findings={findings} onOpen={onOpen} />
        </div>
      ) : null}
      <LogView tall log={log} label={words.log} empty={words.logEmpty} className="min-h-48 flex-1 lg:min-h-0" />
    </div>
  );
}
