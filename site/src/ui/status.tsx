import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** What a state means to whoever looks: nothing to do, work under way, look here, broken, at rest. */
export type Tone = "ok" | "busy" | "warn" | "bad" | "off";

const dots: Record<Tone, string> = {
  ok: "bg-ok",
  busy: "bg-busy pulse-soft",
  warn: "bg-warn",
  bad: "bg-bad",
  off: "bg-transparent ring-1 ring-inset ring-faint",
};
const badges: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok",
  busy: "bg-busy-soft text-busy",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  off: "bg-sunken text-muted",
};

/** Status is a dot and a word. */
export function Status({ tone, children, className }: { tone: Tone; children: ReactNode; className?: string }) {
  return (
    <span className={cx("inline-flex items-center gap-2 whitespace-nowrap", className)}>
      <span aria-hidden className={cx("size-2 shrink-0 rounded-full", dots[tone])} />
      {children}
    </span>
  );
}

/** Badge is a short word on a colour. */
export function Badge({ tone = "off", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={cx(
        "inline-flex h-5 items-center gap-1.5 whitespace-nowrap rounded-sm px-1.5 font-medium text-xs",
        badges[tone],
      )}
    >
      {children}
    </span>
  );
}
