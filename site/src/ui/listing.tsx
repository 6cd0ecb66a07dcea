import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";

export interface Column {
  title: string;
  className?: string;
  /** silent titles are for readers only: what stands below explains itself. */
  silent?: boolean;
  /** head stands in place of the title, such as a box that picks all. */
  head?: ReactNode;
}

interface Props {
  label: string;
  columns: readonly Column[];
  /** stale says that the rows answer an earlier question. */
  stale?: boolean;
  children: ReactNode;
}

/** Listing is a table of as many rows as a page holds; for longer ones there is VirtualRows. */
export function Listing({ label, columns, stale, children }: Props) {
  return (
    <div
      className={cx(
        "min-w-0 overflow-hidden rounded-lg border border-line bg-surface transition-opacity",
        stale && "opacity-60",
      )}
    >
      <table aria-label={label} aria-busy={stale || undefined} className="w-full table-fixed text-left">
        <thead className="bg-sunken text-muted text-xs">
          <tr>
            {columns.map((c) => (
              <th
                key={c.title}
                scope="col"
                className={cx("h-9 whitespace-nowrap border-line border-b px-2 font-medium first:pl-4", c.className)}
              >
                {c.head ?? (c.silent ? <span className="sr-only">{c.title}</span> : c.title)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="[&>tr:not(:last-child)]:border-line [&>tr:not(:last-child)]:border-b">{children}</tbody>
      </table>
    </div>
  );
}

/** ListingRow is one; a link within it that has rowLink opens it from everywhere. */
export function ListingRow({ picked, children }: { picked?: boolean; children: ReactNode }) {
  return <tr className={cx("relative transition-colors", picked ? "bg-accent-soft" : "hover:bg-hover")}>{children}</tr>;
}

export const ListingCell = ({ className, ...rest }: ComponentProps<"td">) => (
  <td className={cx("h-13 px-2 py-2 first:pl-4", className)} {...rest} />
);

/** rowLink makes a link cover its row. What else can be pressed there needs "relative z-10". */
export const rowLink = "rounded-sm font-medium after:absolute after:inset-0";
