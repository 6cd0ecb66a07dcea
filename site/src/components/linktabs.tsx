import { Link, type LinkProps, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { cx } from "@/lib/cx";

export interface LinkTab extends Pick<LinkProps, "to" | "params"> {
  label: string;
  /** exact keeps a tab from being the current one on pages below its own. */
  exact?: boolean;
}

const looks = {
  line: [
    "gap-1 border-line border-b",
    "-mb-px h-9 border-transparent border-b-2 px-2.5 data-[status=active]:border-accent data-[status=active]:text-text",
  ],
  pills: [
    "gap-0.5",
    "h-8 rounded-md px-2.5 hover:bg-hover data-[status=active]:bg-hover data-[status=active]:text-text",
  ],
} as const;

interface Props {
  label: string;
  tabs: readonly LinkTab[];
  /** pills is for tabs below other tabs. */
  look?: keyof typeof looks;
}

/** LinkTabs are tabs that are pages of their own. */
export function LinkTabs({ label, tabs, look = "line" }: Props) {
  const [row, one] = looks[look];
  const nav = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });
  // On a phone the current one may stand beside the window.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new path is what calls for it
  useEffect(() => {
    nav.current?.querySelector("[data-status=active]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
  }, [path]);
  return (
    <nav ref={nav} aria-label={label} className={cx("flex overflow-x-auto", row)}>
      {tabs.map((tab) => (
        <Link
          key={tab.to}
          to={tab.to}
          params={tab.params}
          activeOptions={{ exact: tab.exact, includeSearch: false }}
          className={cx(
            "inline-flex shrink-0 items-center whitespace-nowrap font-medium text-muted outline-offset-[-2px] transition-colors hover:text-text",
            one,
          )}
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
