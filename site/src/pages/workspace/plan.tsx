import { useState } from "react";
import type { ResourceChange, WorkspacePlan } from "@/api/generated";
import { losses } from "@/components/plans";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox } from "@/ui/field";
import { Badge } from "@/ui/status";
import { planText, words } from "./texts";

interface Props {
  found: WorkspacePlan;
  title: string;
  /** act is the word on the button. */
  act: string;
  running: boolean;
  onClose: () => void;
  /** onConfirm gets whether the person has said that the loss is meant. */
  onConfirm: (loss: boolean) => void;
}

const order: Record<ResourceChange["action"], number> = { delete: 0, replace: 1, update: 2, create: 3, keep: 4 };
const tones = { delete: "bad", replace: "warn", update: "busy", create: "ok", keep: "off" } as const;

/** PlanDialog shows what a build would do, and what of it cannot be undone, before it is started. */
export function PlanDialog({ found, title, act, running, onClose, onConfirm }: Props) {
  const [meant, setMeant] = useState(false);
  const lost = losses(found);
  const addresses = new Set(lost.map((c) => c.address));
  const changes = [...(found.changes ?? [])].sort(
    (a, b) =>
      Number(addresses.has(b.address)) - Number(addresses.has(a.address)) ||
      order[a.action] - order[b.action] ||
      a.address.localeCompare(b.address),
  );
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      text={lost.length > 0 ? words.planLoses(lost.length) : running ? words.planRunning : words.planSafe}
      className="max-w-xl"
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button
            look={lost.length > 0 ? "danger" : "primary"}
            reason={lost.length > 0 && !meant ? words.planSay : undefined}
            onClick={() => onConfirm(lost.length > 0)}
          >
            {act}
          </Button>
        </>
      }
    >
      {changes.length === 0 ? <p className="text-muted">{words.planNothing}</p> : null}
      <ul aria-label={words.planChanges} className="rounded-md border border-line">
        {changes.slice(0, 500).map((c) => (
          <li key={c.address} className="flex flex-col gap-0.5 border-line border-b px-3 py-2 last:border-b-0">
            <span className="flex min-w-0 items-start gap-2">
              <code className="min-w-0 flex-1 break-all font-mono text-sm">{plain(c.address, 300)}</code>
              <Badge tone={addresses.has(c.address) ? "bad" : tones[c.action]}>{planText[c.action]}</Badge>
            </span>
            {addresses.has(c.address) ? <span className="text-bad text-sm">{words.planLost}</span> : null}
            {(c.reasons ?? []).length > 0 ? (
              <span className="text-muted text-sm">
                {words.planBecause} {plain((c.reasons ?? []).join(", "), 300)}
              </span>
            ) : null}
          </li>
        ))}
      </ul>
      {lost.length > 0 ? <Checkbox label={words.planMeant} checked={meant} onChange={setMeant} /> : null}
    </Dialog>
  );
}
