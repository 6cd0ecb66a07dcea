import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { VirtualRows } from "./virtual";

/** A line of a CodeView: its numbers, a mark, and how it stands out. */
export interface CodeLine {
  text: string;
  numbers: readonly (number | undefined)[];
  mark?: string;
  tone?: "added" | "removed" | "quiet";
}

const tones = { added: "bg-ok-soft", removed: "bg-bad-soft", quiet: "bg-sunken text-muted" };

/** CodeView shows lines of foreign text with their numbers; a long text costs no more than a short one. */
export function CodeView({ lines, label, empty }: { lines: readonly CodeLine[]; label: string; empty?: ReactNode }) {
  const widths = (lines.at(-1)?.numbers ?? []).map((_, i) => {
    const last = lines.findLast((l) => l.numbers[i] !== undefined)?.numbers[i] ?? 1;
    return `calc(${Math.max(2, String(last).length)}ch + 1rem)`;
  });
  if (lines.length === 0) return <p className="px-4 py-3 text-muted">{empty}</p>;
  return (
    <VirtualRows
      tabIndex={0}
      role="group"
      aria-label={label}
      className="max-h-[70vh] min-h-12 overflow-auto py-2 font-mono text-[0.75rem] leading-5 outline-offset-[-2px] [font-variant-ligatures:none]"
      count={lines.length}
      rowHeight={20}
      keyOf={(i) => i}
      overscan={30}
      row={(i) => {
        const line = lines[i]!;
        return (
          <div className={cx("flex w-max min-w-full", line.tone && tones[line.tone])}>
            {widths.map((width, n) => (
              <span
                // biome-ignore lint/suspicious/noArrayIndexKey: columns never move
                key={n}
                aria-hidden
                style={{ width }}
                className="shrink-0 select-none pl-4 text-right text-faint tabular-nums"
              >
                {line.numbers[n] ?? ""}
              </span>
            ))}
            <span aria-hidden className="w-6 shrink-0 select-none text-center">
              {line.mark}
            </span>
            <span className="whitespace-pre pr-4">{plain(line.text) || " "}</span>
          </div>
        );
      }}
    />
  );
}

/** codeLines are the lines of a text, with one number each. */
export function codeLines(text: string): CodeLine[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, i) => ({ text: line, numbers: [i + 1] }));
}
