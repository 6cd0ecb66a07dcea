import { RefreshCw } from "lucide-react";
import type { ReactNode } from "react";
import { texts } from "@/lib/texts";
import { Empty, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { ApiErrorBox } from "./apierror";
import type { useLog } from "./log";

interface Props {
  title: string;
  intro: ReactNode;
  actions?: ReactNode;
  search: ReactNode;
  log: Omit<ReturnType<typeof useLog>, "known"> & { known?: { count: number; count_cap: number } };
  /** count says how many there are, of which the API counts only so many. */
  count: (n: number, capped: boolean) => string;
  loadFailed: string;
  empty: { title: string; text: string };
  noMatch: { title: string; text: string; clear?: () => void };
  children: ReactNode;
}

/** LogPage is what is around the entries of a log. */
export function LogPage({ title, intro, actions, search, log, count, loadFailed, empty, noMatch, children }: Props) {
  const { known, error, rows, badSearch } = log;
  const none = noMatch.clear ? noMatch : empty;
  return (
    <>
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <div className="flex flex-wrap items-baseline gap-x-3">
            <h1 className="font-semibold text-lg tracking-tight">{title}</h1>
            {known && !badSearch ? (
              <p className="text-muted tabular-nums">{count(known.count, known.count >= known.count_cap)}</p>
            ) : null}
          </div>
          <p className="text-balance text-muted">{intro}</p>
        </div>
        {error && !known ? null : actions}
      </header>
      {error && !known ? null : search}
      {error ? <ApiErrorBox error={error} title={loadFailed} onRetry={log.retry} /> : null}
      {!known && !error && !badSearch ? <Skeleton className="h-96" /> : null}
      <div role="status" className="empty:hidden">
        {log.newer ? (
          <Button className="w-full" icon={<RefreshCw size={15} aria-hidden />} onClick={log.showNewer}>
            {texts.newerEntries}
          </Button>
        ) : null}
      </div>
      {known && rows.length === 0 && !badSearch ? (
        <Empty title={none.title} text={none.text}>
          {noMatch.clear ? (
            <Button className="self-center" onClick={noMatch.clear}>
              {texts.clearSearch}
            </Button>
          ) : null}
        </Empty>
      ) : null}
      {rows.length > 0 ? children : null}
      {log.hasOlder && rows.length > 0 ? (
        <Button className="self-center" busy={log.busy} onClick={log.older}>
          {texts.olderEntries}
        </Button>
      ) : null}
    </>
  );
}
