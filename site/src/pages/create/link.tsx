import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import type { PreviewParameter } from "@/api/generated";
import { plain } from "@/lib/plain";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/workspace");

/** Link is what an address has filled in. It never does anything by itself. */
export interface Link {
  name: string | undefined;
  version: string | undefined;
  preset: string | undefined;
  auto: boolean;
  parameters: Record<string, string>;
}

/** How many parameters a link may fill in. */
const most = 200;

export function useLink(): Link {
  const search = route.useSearch();
  return useMemo(() => {
    const parameters: Record<string, string> = {};
    for (const [key, value] of Object.entries(search).slice(0, most)) {
      if (key.startsWith("param.")) parameters[key.slice("param.".length)] = value;
    }
    const { name, version, preset, mode } = search;
    return { name, version, preset, auto: mode === "auto", parameters };
  }, [search]);
}

interface Props {
  link: Link;
  /** known are the parameters that the form asks for; undefined as long as nobody knows. */
  known: ReadonlyMap<string, PreviewParameter> | undefined;
  lost: string[];
}

/** LinkNotice says what comes from the address, because somebody else may have written it. */
export function LinkNotice({ link, known, lost }: Props) {
  const names = Object.keys(link.parameters);
  const gone = known ? names.filter((name) => !known.has(name)) : [];
  if (names.length === 0 && !link.auto && !link.preset && !link.version) return null;
  return (
    <section aria-label={words.linkTitle} className="rounded-lg border border-busy/40 bg-busy-soft px-4 py-3">
      <h2 className="font-semibold">{words.linkTitle}</h2>
      <p className="mt-1">{link.auto ? words.linkAuto : words.linkText}</p>
      {names.length > 0 ? (
        <dl className="mt-2 flex max-h-48 flex-col gap-1 overflow-y-auto text-sm">
          {names.map((name) => (
            <div key={name} className="flex min-w-0 gap-2">
              <dt className="shrink-0 text-muted">{plain(name, 100)}</dt>
              <dd className="min-w-0 break-all font-mono">
                {known?.get(name)?.styling.mask_input ? "••••" : plain(link.parameters[name]!, 300) || "–"}
              </dd>
            </div>
          ))}
        </dl>
      ) : null}
      {gone.length > 0 ? (
        <p className="mt-2 text-warn">
          {words.linkGone} {gone.map((name) => plain(name, 100)).join(", ")}
        </p>
      ) : null}
      {lost.map((line) => (
        <p key={line} className="mt-2 text-warn">
          {line}
        </p>
      ))}
    </section>
  );
}
