import type { ReactNode } from "react";
import type { Workspace } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useBuild } from "@/components/builds";
import { useNow } from "@/hooks/now";
import { plain } from "@/lib/plain";
import { Button } from "@/ui/button";
import type { Hindrance } from "./page";
import type { State } from "./session";
import { words } from "./texts";

interface Props {
  hindrance: Hindrance | undefined;
  state: State;
  workspace: Workspace;
  onRetry: () => void;
  onNew: () => void;
}

/** Notice says what keeps the terminal from working, and what helps. */
export function Notice({ hindrance, state, workspace, onRetry, onNew }: Props) {
  const build = useBuild();
  if (hindrance)
    return (
      <Line
        text={hindrance.text}
        action={
          hindrance.startable ? (
            <Button
              size="sm"
              look="primary"
              busy={build.isPending}
              onClick={() => build.mutate({ workspace, transition: "start" })}
            >
              {words.start}
            </Button>
          ) : null
        }
      />
    );
  if (state.kind === "refused")
    return (
      <div className="p-3">
        <ApiErrorBox error={state.error} title={words.refused} onRetry={onRetry} />
      </div>
    );
  if (state.kind === "lost") return <Lost again={state.again} onRetry={onRetry} />;
  if (state.kind === "ended")
    return (
      <Line
        text={words.ended(plain(state.reason, 200))}
        action={
          <Button size="sm" onClick={onNew}>
            {words.anew}
          </Button>
        }
      />
    );
  return <Line text="" />;
}

function Lost({ again, onRetry }: { again: number; onRetry: () => void }) {
  const left = Math.ceil((again - useNow(true)) / 1000);
  return (
    <Line
      warn
      text={left > 0 ? words.lost(left) : words.lostNow}
      action={
        <Button size="sm" onClick={onRetry}>
          {words.again}
        </Button>
      }
    />
  );
}

/** WantsClipboard asks once; who allows it is not asked again in this browser. */
export function WantsClipboard({ size, onAnswer }: { size: number; onAnswer: (yes: boolean) => void }) {
  return (
    <Line
      text={words.wantsClipboard(size)}
      action={
        <>
          <Button size="sm" onClick={() => onAnswer(true)}>
            {words.allow}
          </Button>
          <Button size="sm" look="quiet" onClick={() => onAnswer(false)}>
            {words.deny}
          </Button>
        </>
      }
    />
  );
}

function Line({ text, warn, action }: { text: string; warn?: boolean; action?: ReactNode }) {
  return (
    <div role="status">
      {text ? (
        <div
          className={`flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-b px-4 py-1.5 text-sm ${warn ? "bg-warn-soft text-warn" : "bg-sunken"}`}
        >
          <p className="min-w-0 break-words">{text}</p>
          {action}
        </div>
      ) : null}
    </div>
  );
}
