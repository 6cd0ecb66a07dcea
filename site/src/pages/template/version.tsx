import { useMutation } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Archive, ArchiveRestore, CircleCheckBig, MoreHorizontal, Pencil, SquarePen } from "lucide-react";
import { useState } from "react";
import { request } from "@/api/client";
import type { Template, TemplateVersion } from "@/api/generated";
import { Ago } from "@/components/ago";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { noRight } from "@/components/may";
import { VersionLog } from "@/components/versionlog";
import { plain } from "@/lib/plain";
import { toneOf } from "@/lib/status";
import { Card, Skeleton } from "@/ui/bits";
import { Button, buttonClass, IconButton } from "@/ui/button";
import { ErrorBox } from "@/ui/errorbox";
import { Menu, MenuItem } from "@/ui/menu";
import { Badge, Status } from "@/ui/status";
import { Changes } from "./changes";
import { refusalOf, useArchive, useChanged, usePlace, useRights, useTemplate, useVersion, working } from "./data";
import { jobText, words } from "./texts";
import { Promote, Rename } from "./versiondialogs";

const route = getRouteApi("/in/templates/$organization/$template/versions/$version");

/** TemplateVersionPage is one version: how its import went, and what it changes. */
export default function TemplateVersionPage() {
  const template = useTemplate();
  const { version: name } = route.useParams();
  const { data: version, error, refetch } = useVersion(template, name);
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!version) return <Skeleton className="h-72" />;
  return (
    <div className="flex flex-col gap-5">
      <Head template={template} version={version} />
      {version.job.status === "failed" ? (
        <ErrorBox title={words.importFailed} message={plain(version.job.error ?? "", 4000)} />
      ) : null}
      <Log key={version.id} version={version} />
      <Changes template={template} version={version} />
    </div>
  );
}

function Head({ template, version: v }: { template: Template; version: TemplateVersion }) {
  const status = v.job.status;
  return (
    <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
      <div className="min-w-0 flex-1 basis-60">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h2 className="min-w-0 break-all font-semibold text-[0.9375rem]">{plain(v.name, 64)}</h2>
          <Status tone={toneOf(status === "running" ? "pending" : status)}>{jobText[status]}</Status>
          {v.id === template.active_version_id ? <Badge tone="ok">{words.active}</Badge> : null}
          {v.archived ? <Badge>{words.archived}</Badge> : null}
        </div>
        <p className="text-muted">
          <Ago at={v.created_at} /> {words.by} {plain(v.created_by.username, 64)}
        </p>
        {v.message ? (
          <p className="mt-1.5 max-w-3xl whitespace-pre-line break-words">{plain(v.message, 4000)}</p>
        ) : null}
        {v.job.queue_note && status === "pending" ? <p className="text-warn">{plain(v.job.queue_note, 500)}</p> : null}
      </div>
      <Actions template={template} version={v} />
    </div>
  );
}

function Actions({ template, version }: { template: Template; version: TemplateVersion }) {
  const place = usePlace();
  const navigate = route.useNavigate();
  const can = useRights(template);
  const archive = useArchive();
  const [dialog, setDialog] = useState<"promote" | "rename">();
  const refused = noRight(can.update);
  const active = version.id === template.active_version_id;
  return (
    <div className="flex flex-wrap gap-2">
      {working(version) ? <Cancel version={version} refused={refused} /> : null}
      {can.update && !active ? (
        <Link
          to="/templates/$organization/$template/versions/$version/edit"
          params={{ ...place, version: version.name }}
          className={buttonClass()}
        >
          <SquarePen size={15} aria-hidden /> {words.editFiles}
        </Link>
      ) : null}
      {active ? null : (
        <Button
          look="primary"
          icon={<CircleCheckBig size={15} />}
          reason={refused ?? refusalOf(template, version)}
          onClick={() => setDialog("promote")}
        >
          {words.promote}
        </Button>
      )}
      <Menu
        trigger={
          <IconButton label={words.actionsOf(plain(version.name, 64))}>
            <MoreHorizontal size={16} />
          </IconButton>
        }
      >
        <MenuItem icon={<Pencil size={15} />} reason={refused} onSelect={() => setDialog("rename")}>
          {words.rename}
        </MenuItem>
        <MenuItem
          icon={version.archived ? <ArchiveRestore size={15} /> : <Archive size={15} />}
          reason={refused ?? (active ? words.archiveActive : undefined)}
          onSelect={() => archive.mutate(version)}
        >
          {version.archived ? words.unarchive : words.archive}
        </MenuItem>
      </Menu>
      {dialog === "promote" ? (
        <Promote template={template} version={version} onClose={() => setDialog(undefined)} />
      ) : null}
      {dialog === "rename" ? (
        <Rename
          version={version}
          onClose={() => setDialog(undefined)}
          onRenamed={(name) =>
            void navigate({
              to: "/templates/$organization/$template/versions/$version",
              params: { ...place, version: name },
              search: (old) => old,
              replace: true,
            })
          }
        />
      ) : null}
    </div>
  );
}

function Cancel({ version, refused }: { version: TemplateVersion; refused: string | undefined }) {
  const refresh = useChanged();
  const cancel = useMutation({
    mutationFn: () =>
      request("PATCH /api/v2/templateversions/{templateversion}/cancel", { path: { templateversion: version.id } }),
    onSuccess: refresh,
    onError: (error) => toastError(words.cancelFailed, error),
  });
  return (
    <Button
      busy={cancel.isPending || version.job.status === "canceling"}
      reason={refused}
      onClick={() => cancel.mutate()}
    >
      {words.cancelImport}
    </Button>
  );
}

/** Log is open where something is to be seen in it: while the import runs, and when it has failed. */
function Log({ version }: { version: TemplateVersion }) {
  const [open, setOpen] = useState(version.job.status !== "succeeded");
  return (
    <Card
      title={words.importLog}
      className={open ? undefined : "[&>header]:border-b-0"}
      actions={
        <Button size="sm" look="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? words.hideLog : words.showLog}
        </Button>
      }
    >
      {open ? <VersionLog version={version.id} /> : null}
    </Card>
  );
}
