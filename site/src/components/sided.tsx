import { Link, type LinkProps, Outlet, useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";

interface SideLink extends Pick<LinkProps, "to" | "params"> {
  label: string;
  /** exact keeps a link from being the current one on pages below its own. */
  exact?: boolean;
  /** shown is false where the person has no right to what the link leads to. */
  shown?: boolean;
}

interface Props {
  label: string;
  links: readonly SideLink[];
  /** head stands above the links: what they are about. */
  head?: ReactNode;
}

/** Sided is an area with several pages: their names at the side, on a phone in a row above. */
export function Sided({ label, links, head }: Props) {
  const row = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is another link to bring into sight
  useEffect(() => {
    const active = row.current?.querySelector<HTMLElement>('[data-status="active"]');
    if (row.current && active) row.current.scrollLeft = active.offsetLeft - row.current.offsetLeft - 24;
  }, [path, links.length]);
  return (
    <div className="mx-auto flex w-full max-w-6xl flex-col gap-4 px-3 py-4 sm:px-6 sm:py-6 md:flex-row md:gap-8">
      <div className="flex shrink-0 flex-col gap-2 md:w-48">
        {head}
        <nav
          ref={row}
          aria-label={label}
          className="-mx-3 flex gap-0.5 overflow-x-auto px-3 py-0.5 [scrollbar-width:none] max-md:border-line max-md:border-b md:mx-0 md:flex-col md:px-0"
        >
          {links
            .filter((link) => link.shown !== false)
            .map((link) => (
              <Link
                key={link.to}
                to={link.to}
                params={link.params}
                activeOptions={{ exact: link.exact }}
                className="inline-flex h-8 shrink-0 items-center whitespace-nowrap rounded-md px-2.5 font-medium text-muted transition-colors hover:bg-hover hover:text-text data-[status=active]:bg-hover data-[status=active]:text-text"
              >
                {link.label}
              </Link>
            ))}
        </nav>
      </div>
      <div className="flex min-w-0 flex-1 flex-col gap-5">
        <Outlet />
      </div>
    </div>
  );
}
