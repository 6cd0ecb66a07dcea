import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { ApiError } from "@/api/client";
import { perPage, usersPage } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { useMay } from "@/components/may";
import { Empty, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Pager } from "@/ui/pager";
import { Batch } from "./batch";
import { Create } from "./create";
import { Filter } from "./filter";
import { List } from "./list";
import { words } from "./texts";

const route = getRouteApi("/in/deployment/deployment/users");

export default function UsersPage() {
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const [making, setMaking] = useState(false);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const can = useMay({ create: { action: "create", object: { resource_type: "user" } } });
  const { data, error, isPlaceholderData, refetch } = useQuery({
    ...usersPage({ q, page }),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
  const rows = useMemo(() => data?.users ?? [], [data]);
  const chosen = rows.filter((u) => picked.has(u.id));
  const badSearch = error instanceof ApiError && error.status === 400 ? (error.field("q") ?? error.message) : undefined;
  const setFilter = (text: string) => void navigate({ search: { q: text || undefined }, replace: true });
  const setPage = (n: number) => void navigate({ search: { q: q || undefined, page: n > 1 ? n : undefined } });

  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
        {data && !badSearch ? <p className="text-muted">{words.count(data.count)}</p> : null}
        <Button
          look="primary"
          className="ml-auto"
          icon={<Plus size={15} />}
          reason={can.create === false ? words.mayNotCreate : undefined}
          onClick={() => setMaking(true)}
        >
          {words.newUser}
        </Button>
      </div>
      <div className="flex flex-col gap-3">
        <Filter value={q} onChange={setFilter} error={badSearch} />
        {error && !badSearch ? (
          <ApiErrorBox error={error} title={words.loadFailed} onRetry={() => void refetch()} />
        ) : null}
        {chosen.length > 0 ? <Batch chosen={chosen} onDone={() => setPicked(new Set())} /> : null}
        {!data && !error ? <Skeleton className="h-96" /> : null}
        {data && rows.length === 0 && !badSearch ? (
          <Empty title={words.noMatchTitle} text={words.noMatchText}>
            <Button className="self-center" onClick={() => setFilter("")}>
              {words.clear}
            </Button>
          </Empty>
        ) : null}
        {rows.length > 0 ? (
          <List rows={rows} picked={picked} onPick={setPicked} stale={isPlaceholderData || Boolean(badSearch)} />
        ) : null}
        {data ? <Pager page={page} size={perPage} count={data.count} onPage={setPage} /> : null}
      </div>
      {making ? <Create onClose={() => setMaking(false)} /> : null}
    </>
  );
}
