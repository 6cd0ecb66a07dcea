import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowUp, Play, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { ApiError } from "@/api/client";
import type { Workspace } from "@/api/generated";
import { toastError } from "@/components/apierror";
import { rebuild, startBuild, type Transition } from "@/components/builds";
import { losses, plan } from "@/components/plans";
import { pool } from "@/lib/pool";
import { refusal, underWay } from "@/lib/status";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { toast } from "@/ui/toast";
import { words } from "./texts";

/** update starts, stopped workspaces too, with the newest version of their templates. */
type Deed = Transition | "update";

function can(deed: Deed, w: Workspace): boolean {
  const { status } = w.latest_build;
  if (deed === "update") return w.outdated && !underWay(status) && status !== "deleted";
  return !refusal(deed, status);
}

/** update looks first whether the newest version takes the workspace as it is, and stops it only then. */
async function update(w: Workspace) {
  const version = w.template_active_version_id;
  const lost = losses(await plan(w.id, { version }));
  if (lost.length > 0) throw new Error(words.updateLoses(lost.map((c) => c.address).join(", ")));
  await rebuild(w, { version });
}

/** How many builds are asked for at a time. */
const width = 5;

/** Batch does one thing with all chosen workspaces that can do it. */
export function Batch({ chosen, onDone }: { chosen: Workspace[]; onDone: () => void }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const [done, setDone] = useState(0);
  const able = (deed: Deed) => chosen.filter((w) => can(deed, w));
  const run = useMutation({
    mutationFn: async (deed: Deed) => {
      setDone(0);
      const list = able(deed);
      const failures = await pool(list, width, async (w) => {
        if (deed === "update") await update(w);
        else await startBuild(w.id, deed);
        setDone((n) => n + 1);
      });
      return { deed, all: list.length, failures };
    },
    onSuccess: ({ deed, all, failures }) => {
      void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces"] });
      if (all > failures.length) toast({ tone: "ok", title: words.accepted(all - failures.length, words.done[deed]) });
      const [first] = failures;
      if (!first) return onDone();
      const reason = first.error instanceof Error ? first.error.message : String(first.error);
      const told = first.error instanceof ApiError ? first.error : new Error(reason);
      told.message = `${first.item.name}: ${reason}`;
      toastError(words.refused(failures.length, all), told);
    },
  });
  const action = (deed: Deed) => ({
    busy: run.isPending && run.variables === deed,
    reason: able(deed).length > 0 ? undefined : deed === "update" ? words.updateNone : words.none,
  });
  return (
    <div
      role="toolbar"
      aria-label={words.selected(chosen.length)}
      className="mb-3 flex flex-wrap items-center gap-2 rounded-lg border border-line bg-raised px-3 py-2"
    >
      <p className="mr-auto font-medium" aria-live="polite">
        {run.isPending ? words.progress(done, able(run.variables).length) : words.selected(chosen.length)}
      </p>
      <Button size="sm" icon={<Play size={14} />} {...action("start")} onClick={() => run.mutate("start")}>
        {words.start}
      </Button>
      <Button size="sm" icon={<Square size={14} />} {...action("stop")} onClick={() => run.mutate("stop")}>
        {words.stop}
      </Button>
      <Button size="sm" icon={<ArrowUp size={14} />} {...action("update")} onClick={() => run.mutate("update")}>
        {words.update}
      </Button>
      <Button size="sm" icon={<Trash2 size={14} />} {...action("delete")} onClick={() => setAsked(true)}>
        {words.delete}
      </Button>
      <Button size="sm" look="quiet" onClick={onDone}>
        {words.clear}
      </Button>
      {asked ? (
        <Confirm
          workspaces={able("delete")}
          onClose={() => setAsked(false)}
          onConfirm={() => {
            setAsked(false);
            run.mutate("delete");
          }}
        />
      ) : null}
    </div>
  );
}

function Confirm({
  workspaces,
  onClose,
  onConfirm,
}: {
  workspaces: Workspace[];
  onClose: () => void;
  onConfirm: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [list] = useState(workspaces); // what was read is what is deleted
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.deleteTitle(list.length)}
      text={words.deleteText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="danger" disabled={typed !== words.deleteWord} onClick={onConfirm}>
            {words.delete}
          </Button>
        </>
      }
    >
      <ul className="max-h-48 overflow-y-auto rounded-md border border-line px-3 py-2 font-mono text-sm">
        {list.map((w) => (
          <li key={w.id} className="truncate">
            {w.owner_name}/{w.name}
          </li>
        ))}
      </ul>
      <Field label={words.deleteConfirm}>
        <Input value={typed} onChange={(e) => setTyped(e.target.value)} autoComplete="off" />
      </Field>
    </Dialog>
  );
}
