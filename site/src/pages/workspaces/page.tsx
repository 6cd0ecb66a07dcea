import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { ApiError } from "@/api/client";
import { keyOf, workspaces } from "@/api/queries";
import { watchWorkspaces } from "@/api/watch";
import { ApiErrorBox } from "@/components/apierror";
import { listLimit } from "@/lib/limits";
import { underWay } from "@/lib/status";
import { Empty, Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { Batch } from "./batch";
import { FirstSteps } from "./empty";
import { Filter } from "./filter";
import { List } from "./list";
import { words } from "./texts";

const route = getRouteApi("/in/workspaces");

/** How often the list is asked for without a stream, in ms: sooner while something happens, later when it is long. */
function pace(rows: { latest_build: { status: string } }[] | null | undefined): number {
  const list = rows ?? [];
  const usual = list.length > 200 ? 20_000 : 5_000;
  return list.length <= 200 && list.some((w) => underWay(w.latest_build.status)) ? 1_500 : usual;
}

export default function WorkspacesPage() {
  const { filter } = route.useSearch();
  const navigate = route.useNavigate();
  const q = filter ?? "owner:me";
  const [live, setLive] = useState(false);
  const { data, error, isPlaceholderData, refetch } = useQuery({
    ...workspaces(q, listLimit),
    refetchInterval: (query) => {
      if (query.state.error) return 10_000;
      return live ? false : pace(query.state.data?.workspaces);
    },
  });
  const client = useQueryClient();
  const valid = data !== undefined && !isPlaceholderData;
  useEffect(() => {
    if (!valid) return undefined; // a search that is refused cannot be followed
    const query = { q, limit: listLimit };
    const leave = watchWorkspaces(client, query, keyOf("GET /api/v2/workspaces", { query }), setLive);
    return () => {
      leave();
      setLive(false);
    };
  }, [client, q, valid]);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => data?.workspaces ?? [], [data]);
  const chosen = useMemo(() => rows.filter((w) => picked.has(w.id)), [rows, picked]);
  const setFilter = (text: string) =>
    void navigate({ search: { filter: text === "owner:me" ? undefined : text }, replace: true });
  const badSearch = error instanceof ApiError && error.status === 400 ? (error.field("q") ?? error.message) : undefined;

  const away = error instanceof ApiError && error.code === "unreachable"; // the top of the page says it

  return (
    <div className="mx-auto flex h-full w-full max-w-6xl flex-col px-3 pt-4 sm:px-6 sm:pt-6">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 pb-3">
        <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
        {data && !badSearch ? <p className="text-muted">{words.count(data.count)}</p> : null}
        <Link to="/templates" className={`${buttonClass("primary")} ml-auto`}>
          <Plus size={15} aria-hidden />
          {words.make}
        </Link>
      </div>
      <Filter value={q} onChange={setFilter} error={badSearch} />
      {error && !badSearch && !(data && away) ? (
        <div className="pb-3">
          <ApiErrorBox
            error={error}
            title={data ? words.refreshFailed : words.loadFailed}
            onRetry={() => void refetch()}
          />
        </div>
      ) : null}
      {chosen.length > 0 ? <Batch chosen={chosen} onDone={() => setPicked(new Set())} /> : null}
      {!data && !error ? <Skeleton className="h-96" /> : null}
      {data && rows.length === 0 && !badSearch ? (
        q === "owner:me" || q === "" ? (
          <FirstSteps />
        ) : (
          <Empty title={words.noMatchTitle} text={words.noMatchText}>
            <Button className="self-center" onClick={() => setFilter("owner:me")}>
              {words.clearFilter}
            </Button>
          </Empty>
        )
      ) : null}
      {rows.length > 0 ? (
        <List rows={rows} picked={picked} onPick={setPicked} stale={isPlaceholderData || Boolean(badSearch)} />
      ) : null}
      {data && data.count > rows.length && rows.length > 0 ? (
        <p className="py-2 text-muted text-sm">{words.more(rows.length, data.count)}</p>
      ) : null}
    </div>
  );
}
