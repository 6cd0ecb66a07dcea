import { Link, type LinkProps, Outlet } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface SideLink extends Pick<LinkProps, "to" | "params"> {
  label: string;
  /** exact keeps a link from being the current one on pages below its own. */
  exact?: boolean;
}

interface Props {
  label: string;
  links: readonly SideLink[];
  /** head stands above the links: what they are about. */
  head?: ReactNode;
}

/** Sided is an area with several pages: their names at the side, on a phone in a row above. */
export function Sided({ label, links, head }: Props) {
  return (
    <div className="mx-auto flex w-full max-w-6xl flex-col gap-4 px-3 py-4 sm:px-6 sm:py-6 md:flex-row md:gap-8">
      <div className="flex shrink-0 flex-col gap-2 md:w-48">
        {head}
        <nav aria-label={label} className="flex gap-0.5 overflow-x-auto md:flex-col">
          {links.map((link) => (
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
