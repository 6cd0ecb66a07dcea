import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Ban, CircleCheck } from "lucide-react";
import { useState } from "react";
import { ApiError, request } from "@/api/client";
import type { User } from "@/api/generated";
import { toastError } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { pool } from "@/lib/pool";
import { Button } from "@/ui/button";
import { toast } from "@/ui/toast";
import { TypedName } from "@/ui/typedname";
import { words } from "./texts";

type Act = "suspend" | "activate";

/** How many changes are asked for at a time. */
const width = 4;

/** Batch suspends or activates all chosen users that are not so yet. */
export function Batch({ chosen, onDone }: { chosen: User[]; onDone: () => void }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<User[]>();
  const [done, setDone] = useState(0);
  const able = (act: Act) => chosen.filter((u) => (u.status === "suspended") === (act === "activate"));
  const run = useMutation({
    mutationFn: async ({ act, users }: { act: Act; users: User[] }) => {
      setDone(0);
      const failures = await pool(users, width, async (u) => {
        await request(`PUT /api/v2/users/{user}/status/${act}`, { path: { user: u.id } });
        setDone((n) => n + 1);
      });
      return { act, all: users.length, failures };
    },
    onSuccess: ({ act, all, failures }) => {
      void client.invalidateQueries({ queryKey: ["GET /api/v2/users"] });
      const worked = all - failures.length;
      if (worked > 0)
        toast({ tone: "ok", title: act === "suspend" ? words.suspended(worked) : words.activated(worked) });
      const [first] = failures;
      if (!first) return onDone();
      const reason = first.error instanceof Error ? first.error.message : String(first.error);
      const told = first.error instanceof ApiError ? first.error : new Error(reason);
      told.message = `${plain(first.item.username, 64)}: ${reason}`;
      toastError(words.refused(failures.length, all), told);
    },
  });
  const busy = (act: Act) => run.isPending && run.variables.act === act;
  const reason = (act: Act) => (able(act).length === 0 ? words.none : undefined);
  return (
    <div
      role="toolbar"
      aria-label={words.selected(chosen.length)}
      className="flex flex-wrap items-center gap-2 rounded-lg border border-line bg-raised px-3 py-2"
    >
      <p className="mr-auto font-medium" aria-live="polite">
        {run.isPending ? words.progress(done, run.variables.users.length) : words.selected(chosen.length)}
      </p>
      <Button
        size="sm"
        icon={<Ban size={14} />}
        busy={busy("suspend")}
        reason={reason("suspend")}
        onClick={() => setAsked(able("suspend"))}
      >
        {words.suspendAct}
      </Button>
      <Button
        size="sm"
        icon={<CircleCheck size={14} />}
        busy={busy("activate")}
        reason={reason("activate")}
        onClick={() => run.mutate({ act: "activate", users: able("activate") })}
      >
        {words.activate}
      </Button>
      <Button size="sm" look="quiet" onClick={onDone}>
        {words.clearSelection}
      </Button>
      {asked ? (
        <TypedName
          title={words.suspendTitle(words.suspendMany(asked.length))}
          text={words.suspendText}
          act={words.suspend}
          onClose={() => setAsked(undefined)}
          onConfirm={() => {
            setAsked(undefined);
            run.mutate({ act: "suspend", users: asked });
          }}
        >
          <ul className="max-h-48 overflow-y-auto rounded-md border border-line px-3 py-2 font-mono text-sm">
            {asked.map((u) => (
              <li key={u.id} className="truncate">
                {plain(u.username, 64)}
              </li>
            ))}
          </ul>
        </TypedName>
      ) : null}
    </div>
  );
}
