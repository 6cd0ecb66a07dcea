import { Link, type LinkProps } from "@tanstack/react-router";
import { cx } from "@/lib/cx";

export interface LinkTab extends Pick<LinkProps, "to" | "params"> {
  label: string;
  /** exact keeps a tab from being the current one on pages below its own. */
  exact?: boolean;
}

/** LinkTabs are tabs that are pages of their own. */
export function LinkTabs({ label, tabs, className }: { label: string; tabs: readonly LinkTab[]; className?: string }) {
  return (
    <nav aria-label={label} className={cx("flex gap-1 overflow-x-auto border-line border-b", className)}>
      {tabs.map((tab) => (
        <Link
          key={tab.to}
          to={tab.to}
          params={tab.params}
          activeOptions={{ exact: tab.exact, includeSearch: false }}
          className="-mb-px inline-flex h-9 shrink-0 items-center whitespace-nowrap border-transparent border-b-2 px-2.5 font-medium text-muted outline-offset-[-2px] transition-colors hover:text-text data-[status=active]:border-accent data-[status=active]:text-text"
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
