import { getRouteApi, Link } from "@tanstack/react-router";
import { Archive, ArchiveRestore, CircleCheckBig, GitCompare, MoreHorizontal, Pencil } from "lucide-react";
import { useState } from "react";
import type { Template, TemplateVersion } from "@/api/generated";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { noRight } from "@/components/may";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { toneOf } from "@/lib/status";
import { Empty, Skeleton } from "@/ui/bits";
import { Button, IconButton } from "@/ui/button";
import { Checkbox } from "@/ui/field";
import { Menu, MenuItem } from "@/ui/menu";
import { Badge, Status } from "@/ui/status";
import { refusalOf, step, useArchive, usePlace, useRights, useTemplate, useVersions } from "./data";
import { jobText, words } from "./texts";
import { Promote, Rename } from "./versiondialogs";

const route = getRouteApi("/in/templates/$organization/$template/versions");

const columns =
  "grid grid-cols-[minmax(0,1fr)_6rem_2rem] items-center gap-x-4 px-3 sm:px-4 md:grid-cols-[minmax(0,2fr)_7rem_minmax(0,0.8fr)_8rem_2rem]";

export default function TemplateVersions() {
  const template = useTemplate();
  const { archived = false } = route.useSearch();
  const navigate = route.useNavigate();
  const [limit, setLimit] = useState(step);
  const { data, error, refetch, isPlaceholderData } = useVersions(template.id, archived, limit);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex justify-end">
        <Checkbox
          label={words.showArchived}
          checked={archived}
          onChange={(on) => void navigate({ search: { archived: on || undefined }, replace: true })}
        />
      </div>
      {error ? <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton className="h-72" /> : null}
      {data?.length === 0 ? <Empty title={words.noVersions} text={words.noVersionsText} /> : null}
      {data?.length ? <List template={template} versions={data} stale={isPlaceholderData} /> : null}
      {data && data.length >= limit && limit < 1000 ? (
        <Button
          className="self-center"
          busy={isPlaceholderData}
          onClick={() => setLimit(Math.min(1000, limit + 3 * step))}
        >
          {words.older}
        </Button>
      ) : null}
    </div>
  );
}

function List({ template, versions, stale }: { template: Template; versions: TemplateVersion[]; stale: boolean }) {
  return (
    <div
      role="table"
      aria-label={words.versions}
      aria-busy={stale}
      className="overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div role="rowgroup">
        <div role="row" className={cx(columns, "h-9 border-line border-b bg-sunken font-medium text-muted text-xs")}>
          <div role="columnheader">{words.version}</div>
          <div role="columnheader">{words.state}</div>
          <div role="columnheader" className="max-md:hidden">
            {words.author}
          </div>
          <div role="columnheader" className="max-md:hidden">
            {words.made}
          </div>
          <div role="columnheader">
            <span className="sr-only">{words.actions}</span>
          </div>
        </div>
      </div>
      <div role="rowgroup">
        {versions.map((v) => (
          <Row key={v.id} template={template} version={v} />
        ))}
      </div>
    </div>
  );
}

function Row({ template, version: v }: { template: Template; version: TemplateVersion }) {
  const place = usePlace();
  const name = plain(v.name, 64);
  const message = plain(v.message.split("\n")[0] ?? "", 200);
  return (
    <div
      role="row"
      className={cx(columns, "relative min-h-13 border-line border-b py-2 last:border-b-0 hover:bg-hover")}
    >
      <div role="cell" className="min-w-0">
        <div className="flex items-center gap-2">
          <Link
            to="/templates/$organization/$template/versions/$version"
            params={{ ...place, version: v.name }}
            className="truncate rounded-sm font-medium after:absolute after:inset-0"
          >
            {name}
          </Link>
          {v.id === template.active_version_id ? <Badge tone="ok">{words.active}</Badge> : null}
          {v.archived ? <Badge>{words.archived}</Badge> : null}
        </div>
        {message ? <div className="truncate text-muted text-sm">{message}</div> : null}
        <div className="truncate text-muted text-sm md:hidden">
          {plain(v.created_by.username, 64)} · <Ago at={v.created_at} />
        </div>
      </div>
      <div role="cell">
        <Status tone={toneOf(v.job.status === "running" ? "pending" : v.job.status)}>{jobText[v.job.status]}</Status>
      </div>
      <div role="cell" className="truncate text-muted max-md:hidden">
        {plain(v.created_by.username, 64)}
      </div>
      <div role="cell" className="truncate text-muted max-md:hidden">
        <Ago at={v.created_at} />
      </div>
      <div role="cell" className="relative z-10 text-right">
        <RowMenu template={template} version={v} />
      </div>
    </div>
  );
}

function RowMenu({ template, version }: { template: Template; version: TemplateVersion }) {
  const place = usePlace();
  const navigate = route.useNavigate();
  const can = useRights(template);
  const archive = useArchive();
  const [dialog, setDialog] = useState<"promote" | "rename">();
  const refused = noRight(can.update);
  const active = version.id === template.active_version_id;
  return (
    <>
      <Menu
        trigger={
          <IconButton label={words.actionsOf(plain(version.name, 64))} small>
            <MoreHorizontal size={15} />
          </IconButton>
        }
      >
        <MenuItem
          icon={<GitCompare size={15} />}
          onSelect={() =>
            void navigate({
              to: "/templates/$organization/$template/versions/$version",
              params: { ...place, version: version.name },
            })
          }
        >
          {words.seeVersion}
        </MenuItem>
        <MenuItem
          icon={<CircleCheckBig size={15} />}
          reason={refused ?? refusalOf(template, version)}
          onSelect={() => setDialog("promote")}
        >
          {words.promote}
        </MenuItem>
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
      {dialog === "rename" ? <Rename version={version} onClose={() => setDialog(undefined)} /> : null}
    </>
  );
}
