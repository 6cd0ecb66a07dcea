import { ArrowDownToLine, Search } from "lucide-react";
import { type ReactNode, useMemo, useRef, useState } from "react";
import type { Log, LogLine } from "@/api/logs";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { clockTime } from "@/lib/time";
import { IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/codeblock";
import { VirtualRows } from "@/ui/virtual";

const words = {
  search: "Search the log",
  found: (n: number, all: number) => `${n.toLocaleString("en")} of ${all.toLocaleString("en")}`,
  lines: (n: number) => (n === 1 ? "1 line" : `${n.toLocaleString("en")} lines`),
  dropped: (n: number) => `${n.toLocaleString("en")} older lines are not shown`,
  end: "Go to the end",
  copy: "Copy the log",
  nothing: "No line has it.",
};

interface Props {
  log: Log;
  label: string;
  /** nameOf is the heading of a group of lines: a stage, a script. */
  nameOf?: (group: string) => string;
  empty: ReactNode;
  className?: string;
  /** tall lets the log fill what surrounds it. */
  tall?: boolean;
}

/** LogView shows a log that may be very long and still grow. Its lines are foreign text. */
export function LogView({ log, label, nameOf, empty, className, tall }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const lines = useMemo(
    () => (wanted ? log.lines.filter((l) => l.text.toLowerCase().includes(wanted)) : log.lines),
    [log.lines, wanted],
  );
  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  return (
    <section aria-label={label} className={cx("flex min-w-0 flex-col", className)}>
      <div className="flex flex-wrap items-center gap-2 border-line border-b px-3 py-1">
        <div className="relative min-w-32 max-w-72 flex-1">
          <Search size={14} aria-hidden className="absolute top-2 left-2 text-muted" />
          <input
            aria-label={words.search}
            placeholder={words.search}
            value={search}
            onChange={(e) => setSearch(e.target.value)}
            className="h-7 w-full rounded-md bg-transparent pr-2 pl-7 text-sm placeholder:text-faint hover:bg-hover"
          />
        </div>
        <p className="ml-auto text-muted text-xs" aria-live="off">
          {wanted ? words.found(lines.length, log.lines.length) : words.lines(log.lines.length)}
          {log.dropped ? ` · ${words.dropped(log.dropped)}` : ""}
        </p>
        <IconButton label={words.end} onClick={toEnd} small>
          <ArrowDownToLine size={14} />
        </IconButton>
        <LogCopy lines={lines} />
      </div>
      <VirtualRows
        scroller={scroller}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={label}
        className={cx(
          "min-h-24 overflow-y-auto bg-sunken py-2 font-mono text-[0.75rem] leading-5 outline-offset-[-2px]",
          tall ? "flex-1" : "max-h-96",
        )}
        count={lines.length}
        rowHeight={20}
        keyOf={(i) => lines[i]!.id}
        measure
        toEnd={!wanted}
        overscan={20}
        row={(i) => <Line line={lines[i]!} before={lines[i - 1]} nameOf={nameOf} wanted={wanted} />}
      >
        {lines.length === 0 ? (
          <p className="px-4 py-2 font-sans text-base text-muted">{wanted ? words.nothing : empty}</p>
        ) : null}
      </VirtualRows>
    </section>
  );
}

const LogCopy = ({ lines }: { lines: LogLine[] }) => (
  <CopyButton label={words.copy} text={() => lines.map((l) => plain(l.text, 100_000)).join("\n")} />
);

interface LineProps {
  line: LogLine;
  before: LogLine | undefined;
  nameOf: Props["nameOf"];
  wanted: string;
}

function Line({ line, before, nameOf, wanted }: LineProps) {
  const heads = line.group !== before?.group;
  const level =
    line.level === "error"
      ? "text-bad"
      : line.level === "warn"
        ? "text-warn"
        : line.level === "debug" || line.level === "trace"
          ? "text-muted"
          : "";
  return (
    <>
      {heads && line.group ? (
        <p className={cx("px-4 pb-1 font-medium font-sans text-muted", before && "pt-2")}>
          {plain(nameOf ? nameOf(line.group) : line.group, 200)}
        </p>
      ) : null}
      <div className="flex gap-3 px-4">
        <span className="shrink-0 select-none text-faint max-sm:hidden">{clockTime(line.at)}</span>
        <span className={cx("min-w-0 flex-1 whitespace-pre-wrap break-words", level)}>
          {marked(plain(line.text), wanted)}
        </span>
      </div>
    </>
  );
}

/** marked shows where the text has what is looked for. */
function marked(text: string, wanted: string): ReactNode {
  if (!wanted) return text || " ";
  const parts: ReactNode[] = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0 && parts.length < 100; at = lower.indexOf(wanted, from)) {
    parts.push(
      text.slice(from, at),
      <mark key={at} className="rounded-[2px] bg-warn-soft text-warn">
        {text.slice(at, at + wanted.length)}
      </mark>,
    );
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}
