import { request } from "@/api/client";
import type { ProvisionerJob } from "@/api/generated";
import { useChange } from "@/components/change";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { words } from "./texts";

/** cancelJob ends a job by what it works for. */
function cancelJob(job: ProvisionerJob) {
  const { workspace_build_id: workspacebuild, template_version_id: templateversion } = job.input;
  if (job.type === "workspace_build" && workspacebuild)
    return request("PATCH /api/v2/workspacebuilds/{workspacebuild}/cancel", { path: { workspacebuild } });
  if (job.type === "template_version_import" && templateversion)
    return request("PATCH /api/v2/templateversions/{templateversion}/cancel", { path: { templateversion } });
  return Promise.reject(new Error(words.noCancel));
}

/** Cancel asks once more, and says what becomes of the job. */
export function Cancel({ job, onClose }: { job: ProvisionerJob; onClose: () => void }) {
  const cancel = useChange(() => cancelJob(job), {
    stale: ["GET /api/v2/organizations/{organization}/provisionerjobs", "GET /api/v2/workspaces"],
    done: words.cancelDone,
    failed: words.cancelFailed,
    after: onClose,
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.cancelTitle}
      text={words.cancelText}
      footer={
        <>
          <Button onClick={onClose}>{words.cancelKeep}</Button>
          <Button look="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
            {words.cancelAct}
          </Button>
        </>
      }
    />
  );
}
