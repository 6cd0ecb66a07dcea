import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { MoreHorizontal, Plus, Settings, SquarePen, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { request } from "@/api/client";
import type { Template } from "@/api/generated";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { LinkTabs } from "@/components/linktabs";
import { noRight } from "@/components/may";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Avatar } from "@/ui/bits";
import { Button, buttonClass, IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { Menu, MenuItem } from "@/ui/menu";
import { Badge } from "@/ui/status";
import { toast } from "@/ui/toast";
import { usePlace, useRights, useTemplate, useVersion } from "./data";
import { words } from "./texts";

const tabs = [
  { to: "/templates/$organization/$template", label: words.readme, exact: true },
  { to: "/templates/$organization/$template/docs", label: words.docs },
  { to: "/templates/$organization/$template/files", label: words.files },
  { to: "/templates/$organization/$template/versions", label: words.versions },
  { to: "/templates/$organization/$template/embed", label: words.embed },
  { to: "/templates/$organization/$template/settings", label: words.settings },
] as const;

/** TemplateLayout stands above every page of a template. */
export default function TemplateLayout() {
  const template = useTemplate();
  const place = usePlace();
  return (
    <div className="mx-auto flex w-full max-w-6xl flex-col gap-5 px-3 py-4 sm:px-6 sm:py-6">
      <Header template={template} />
      {template.deprecated ? (
        <p role="note" className="flex gap-2.5 rounded-lg bg-warn-soft px-4 py-2.5 text-warn">
          <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0" />
          <span className="min-w-0 whitespace-pre-line break-words">{plain(template.deprecation_message, 1024)}</span>
        </p>
      ) : null}
      <LinkTabs label={words.tabs} tabs={tabs.map((tab) => ({ ...tab, params: place }))} />
      <Outlet />
    </div>
  );
}

function Header({ template: t }: { template: Template }) {
  const title = plain(t.display_name || t.name, 64);
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-3">
      <Avatar name={title} src={t.icon} square size={40} />
      <div className="min-w-0 flex-1 basis-52">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="min-w-0 truncate font-semibold text-lg tracking-tight">{title}</h1>
          {t.deprecated ? <Badge tone="warn">{words.deprecated}</Badge> : null}
        </div>
        <p className="truncate text-muted">
          {t.description ? `${plain(t.description, 200)} · ` : ""}
          {plain(t.organization_display_name || t.organization_name, 64)} · {words.developers(t.active_user_count)} ·{" "}
          {words.updated} <Ago at={t.updated_at} />
        </p>
      </div>
      <Actions template={t} />
    </header>
  );
}

function Actions({ template }: { template: Template }) {
  const place = usePlace();
  const navigate = useNavigate();
  const can = useRights(template);
  const active = useVersion(template).data;
  const [deleting, setDeleting] = useState(false);
  return (
    <div className="flex flex-wrap gap-2">
      {active && can.update ? (
        <Link
          to="/templates/$organization/$template/versions/$version/edit"
          params={{ ...place, version: active.name }}
          className={buttonClass()}
        >
          <SquarePen size={15} aria-hidden /> {words.editFiles}
        </Link>
      ) : (
        <Button icon={<SquarePen size={15} />} reason={noRight(can.update) ?? texts.loading}>
          {words.editFiles}
        </Button>
      )}
      {template.deprecated ? (
        <Button look="primary" icon={<Plus size={15} />} reason={words.deprecatedNoNew}>
          {words.newWorkspace}
        </Button>
      ) : (
        <Link to="/templates/$organization/$template/workspace" params={place} className={buttonClass("primary")}>
          <Plus size={15} aria-hidden /> {words.newWorkspace}
        </Link>
      )}
      <Menu
        trigger={
          <IconButton label={words.more}>
            <MoreHorizontal size={16} />
          </IconButton>
        }
      >
        <MenuItem
          icon={<Settings size={15} />}
          onSelect={() => void navigate({ to: "/templates/$organization/$template/settings", params: place })}
        >
          {words.settings}
        </MenuItem>
        <MenuItem icon={<Trash2 size={15} />} danger reason={noRight(can.delete)} onSelect={() => setDeleting(true)}>
          {words.delete}
        </MenuItem>
      </Menu>
      {deleting ? <Delete template={template} onClose={() => setDeleting(false)} /> : null}
    </div>
  );
}

function Delete({ template, onClose }: { template: Template; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const remove = useMutation({
    mutationFn: () => request("DELETE /api/v2/templates/{template}", { path: { template: template.id } }),
    onSuccess: async () => {
      toast({ tone: "ok", title: words.deleted });
      void client.invalidateQueries({ queryKey: ["GET /api/v2/templates"] });
      await navigate({ to: "/templates" });
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.deleteTitle(template.name)}
      text={words.deleteText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button
            look="danger"
            disabled={typed !== template.name}
            busy={remove.isPending}
            onClick={() => remove.mutate()}
          >
            {words.deleteAct}
          </Button>
        </>
      }
    >
      {remove.isError ? <ApiErrorBox error={remove.error} /> : null}
      <Field label={words.deleteConfirm(template.name)}>
        <Input value={typed} onChange={(e) => setTyped(e.target.value)} autoComplete="off" spellCheck={false} />
      </Field>
    </Dialog>
  );
}
