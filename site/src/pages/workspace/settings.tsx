import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Workspace } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useBuild } from "@/components/builds";
import { refusal } from "@/lib/status";
import { texts } from "@/lib/texts";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox, Field, Input } from "@/ui/field";
import { toast } from "@/ui/toast";
import { words } from "./texts";

const route = getRouteApi("/in/@{$owner}/$name");

export function Settings({ workspace }: { workspace: Workspace }) {
  const [asked, setAsked] = useState(false);
  return (
    <div className="flex max-w-2xl flex-col gap-5">
      <Rename key={workspace.name} workspace={workspace} />
      <Card title={words.deleteTitle}>
        <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-4">
          <p className="min-w-0 flex-1 basis-60 text-muted">{words.deleteText}</p>
          <Button
            look="danger"
            reason={refusal("delete", workspace.latest_build.status) || undefined}
            onClick={() => setAsked(true)}
          >
            {words.delete}
          </Button>
        </div>
      </Card>
      {asked ? <Delete workspace={workspace} onClose={() => setAsked(false)} /> : null}
    </div>
  );
}

function Rename({ workspace }: { workspace: Workspace }) {
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const [name, setName] = useState(workspace.name);
  const rename = useMutation({
    mutationFn: () =>
      request("PATCH /api/v2/workspaces/{workspace}", { path: { workspace: workspace.id }, body: { name } }),
    onSuccess: () => {
      toast({ tone: "ok", title: words.renamed });
      void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces"] });
      void navigate({
        to: "/@{$owner}/$name",
        params: { owner: workspace.owner_name, name },
        search: { tab: "settings" },
        replace: true,
      });
    },
  });
  const inField = rename.error instanceof ApiError ? (rename.error.field("name") ?? undefined) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name !== workspace.name && !rename.isPending) rename.mutate();
  };
  return (
    <Card title={words.name}>
      <form onSubmit={submit} className="flex flex-col gap-3 px-4 py-4">
        {rename.isError && !inField ? <ApiErrorBox error={rename.error} /> : null}
        <Field label={words.name} error={inField} hint={words.renameHint}>
          <Input
            value={name}
            onChange={(e) => setName(e.target.value)}
            maxLength={32}
            required
            disabled={!workspace.allow_renames}
            spellCheck={false}
          />
        </Field>
        <Button
          type="submit"
          className="self-start"
          busy={rename.isPending}
          reason={workspace.allow_renames ? undefined : words.renameOff}
          disabled={name === workspace.name}
        >
          {words.rename}
        </Button>
      </form>
    </Card>
  );
}

function Delete({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState("");
  const [orphan, setOrphan] = useState(false);
  const build = useBuild(() => {
    toast({ tone: "ok", title: words.started.delete });
    void navigate({ search: {} });
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.deleteDialog(workspace.name)}
      text={words.deleteText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button
            look="danger"
            disabled={typed !== workspace.name}
            busy={build.isPending}
            onClick={() => build.mutate({ workspace, transition: "delete", orphan })}
          >
            {words.deleteAct}
          </Button>
        </>
      }
    >
      <Field label={words.deleteConfirm(workspace.name)}>
        <Input value={typed} onChange={(e) => setTyped(e.target.value)} autoComplete="off" spellCheck={false} />
      </Field>
      <div className="flex flex-col gap-1">
        <Checkbox label={words.orphan} checked={orphan} onChange={setOrphan} />
        {orphan ? <p className="pl-6 text-sm text-warn">{words.orphanText}</p> : null}
      </div>
    </Dialog>
  );
}
