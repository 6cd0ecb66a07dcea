import { ChevronRight } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { useNow } from "@/hooks/now";
import { cx } from "@/lib/cx";
import { byDay } from "@/lib/day";
import { clockTime, exact } from "@/lib/time";

interface ListProps<Row> {
  label: string;
  rows: readonly Row[];
  at: (row: Row) => string;
  keyOf: (row: Row) => string;
  row: (row: Row) => ReactNode;
  /** stale says that the rows answer an earlier question. */
  stale: boolean;
}

/** LogList are entries under their days. */
export function LogList<Row>({ label, rows, at, keyOf, row, stale }: ListProps<Row>) {
  const now = useNow();
  return (
    <section
      aria-label={label}
      aria-busy={stale}
      className={cx("flex flex-col gap-4 transition-opacity", stale && "opacity-60")}
    >
      {byDay(rows, at, now).map((day) => (
        <div key={keyOf(day.rows[0]!)}>
          <h2 className="pb-1.5 font-medium text-muted text-xs">{day.title}</h2>
          <ul className="overflow-hidden rounded-lg border border-line bg-surface">
            {day.rows.map((r) => (
              <li
                key={keyOf(r)}
                className="border-line not-last:border-b [contain-intrinsic-size:auto_52px] [content-visibility:auto]"
              >
                {row(r)}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

interface RowProps {
  at: string;
  icon: ReactNode;
  /** name is what readers hear of the button that opens the entry. */
  name: string;
  title: ReactNode;
  sub?: ReactNode;
  side?: ReactNode;
  details: () => ReactNode;
}

/** LogRow is one entry; what there is more to say opens below it. */
export function LogRow({ at, icon, name, title, sub, side, details }: RowProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <>
      <div
        className={cx("relative flex items-start gap-3 px-3 py-2 transition-colors hover:bg-hover", open && "bg-hover")}
      >
        <button
          type="button"
          aria-expanded={open}
          aria-controls={open ? id : undefined}
          aria-label={name}
          onClick={() => setOpen(!open)}
          className="mt-1 shrink-0 rounded-sm text-muted after:absolute after:inset-0"
        >
          <ChevronRight size={16} aria-hidden className={cx("transition-transform", open && "rotate-90")} />
        </button>
        <span className="mt-0.5 shrink-0 text-muted">{icon}</span>
        <div className="min-w-0 flex-1">
          <p className="break-words">{title}</p>
          {sub ? <p className="break-words text-muted text-sm">{sub}</p> : null}
        </div>
        <div className="flex shrink-0 items-center gap-3 max-sm:flex-col-reverse max-sm:items-end max-sm:gap-1">
          {side}
          <time dateTime={at} title={exact(at)} className="text-muted text-sm tabular-nums leading-5">
            {clockTime(at)}
          </time>
        </div>
      </div>
      {open ? (
        <div id={id} className="flex flex-col gap-4 border-line border-t bg-sunken px-4 py-4">
          {details()}
        </div>
      ) : null}
    </>
  );
}

/** Facts are names with values, in two columns where there is room. Empty values are left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[7.5rem_minmax(0,1fr)]">
      {facts
        .filter(([, value]) => value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted max-sm:-mb-2 max-sm:text-xs">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
