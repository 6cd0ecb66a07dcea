import { Link, useMatches } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { cx } from "@/lib/cx";
import { texts } from "@/lib/texts";
import { nav, useAreas } from "./nav";

/** Crumbs show where a page stands below its area; a phone shows the way back instead of the areas. */
export function Crumbs() {
  const match = useMatches().at(-1);
  const crumbs = match?.staticData.crumbs?.(match.params as Record<string, string>) ?? [];
  const area = nav.find((n) => n.to === match?.staticData.area);
  // The bar has no link to the area of somebody who reads nothing there.
  const inBar = useAreas().some((n) => n.to === area?.to);
  const title = [...crumbs]
    .reverse()
    .concat(area?.label ?? [], texts.product)
    .join(" · ");
  if (!area) return <title>{title}</title>;
  return (
    <nav aria-label="Breadcrumbs" className="flex min-w-0 items-center gap-1">
      <title>{title}</title>
      <Link
        to={area.to}
        className={cx("shrink-0 rounded-sm font-medium text-muted hover:text-text", inBar && "sm:hidden")}
      >
        {area.label}
      </Link>
      {crumbs.map((crumb) => (
        <span key={crumb} className="flex min-w-0 items-center gap-1">
          <ChevronRight size={14} aria-hidden className="shrink-0 text-faint" />
          <span className="truncate font-medium">{crumb}</span>
        </span>
      ))}
    </nav>
  );
}
