import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowUp, Ban, Play, RotateCcw, Square } from "lucide-react";
import { request } from "@/api/client";
import type { Workspace } from "@/api/generated";
import { Ago } from "@/components/ago";
import { toastError } from "@/components/apierror";
import { useBuild } from "@/components/builds";
import { WorkspaceStatus } from "@/components/workspacestatus";
import { plain } from "@/lib/plain";
import { refusal, underWay } from "@/lib/status";
import { Avatar } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { Badge } from "@/ui/status";
import { words } from "./texts";

/** Header says what the workspace is and how it is, with what can be done about it. */
export function Header({ workspace: w }: { workspace: Workspace }) {
  const template = plain(w.template_display_name || w.template_name, 64);
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-3">
      <Avatar name={template} src={w.template_icon} square size={40} />
      <div className="min-w-0 flex-1 basis-52">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="min-w-0 truncate font-semibold text-lg tracking-tight">{plain(w.name, 64)}</h1>
          <WorkspaceStatus workspace={w} />
          {w.outdated ? <Badge tone="warn">{words.outdated}</Badge> : null}
        </div>
        <p className="truncate text-muted">
          {words.owner} {w.owner_name} · {words.from} {template} · {plain(w.latest_build.template_version_name, 64)} ·{" "}
          <Ago at={w.latest_build.created_at} />
        </p>
      </div>
      <Actions workspace={w} />
    </header>
  );
}

function Actions({ workspace }: { workspace: Workspace }) {
  const build = useBuild();
  const status = workspace.latest_build.status;
  const act = (transition: "start" | "stop") => ({
    busy: build.isPending && build.variables.transition === transition,
    reason: refusal(transition, status) || undefined,
    onClick: () => build.mutate({ workspace, transition }),
  });
  if (status === "deleted") return null;
  if (underWay(status)) return <CancelBuild workspace={workspace} />;
  return (
    <div className="flex flex-wrap gap-2">
      {workspace.outdated ? (
        <Link from="/@{$owner}/$name" to="." search={{ tab: "update" }} className={buttonClass()}>
          <ArrowUp size={15} aria-hidden />
          {words.update}
        </Link>
      ) : null}
      {status === "running" || status === "failed" || status === "canceled" ? (
        <Button icon={<Square size={14} />} {...act("stop")}>
          {words.stop}
        </Button>
      ) : null}
      {status === "running" ? null : (
        <Button
          look="primary"
          icon={status === "failed" ? <RotateCcw size={15} /> : <Play size={15} />}
          {...act("start")}
        >
          {status === "failed" ? words.retry : words.start}
        </Button>
      )}
    </div>
  );
}

function CancelBuild({
  workspace: { latest_build: build, template_allow_user_cancel_workspace_jobs: allowed },
}: {
  workspace: Workspace;
}) {
  const cancel = useMutation({
    mutationFn: () =>
      request("PATCH /api/v2/workspacebuilds/{workspacebuild}/cancel", { path: { workspacebuild: build.id } }),
    onError: (error) => toastError("The build is not cancelled", error),
  });
  const reason =
    build.status === "canceling" || cancel.isSuccess ? words.canceling : allowed ? undefined : words.noCancel;
  return (
    <Button icon={<Ban size={15} />} busy={cancel.isPending} reason={reason} onClick={() => cancel.mutate()}>
      {words.cancel}
    </Button>
  );
}
