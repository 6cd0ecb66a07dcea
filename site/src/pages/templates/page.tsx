import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus, Search } from "lucide-react";
import { useMemo } from "react";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { noRight, useMay } from "@/components/may";
import { Empty, Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { FirstTemplate } from "./empty";
import { filterTemplates } from "./filter";
import { List } from "./list";
import { words } from "./texts";

const route = getRouteApi("/in/templates");

export default function TemplatesPage() {
  const { filter = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery({ ...read("GET /api/v2/templates"), refetchInterval: 30_000 });
  const can = useMay({ create: { action: "create", object: { resource_type: "template", any_org: true } } });
  const all = useMemo(() => data ?? [], [data]);
  const { found, error: badSearch } = useMemo(() => filterTemplates(all, filter), [all, filter]);
  const setFilter = (text: string) => void navigate({ search: { filter: text || undefined }, replace: true });
  return (
    <div className="mx-auto flex h-full w-full max-w-6xl flex-col px-3 pt-4 sm:px-6 sm:pt-6">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 pb-3">
        <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
        {data && !badSearch ? (
          <p className="flex-1 text-muted">{words.count(found.length)}</p>
        ) : (
          <span className="flex-1" />
        )}
        {can.create === false ? (
          <Button icon={<Plus size={15} />} reason={noRight(false)}>
            {words.newTemplate}
          </Button>
        ) : (
          <Link to="/templates/new" className={buttonClass("primary")}>
            <Plus size={15} aria-hidden /> {words.newTemplate}
          </Link>
        )}
      </div>
      {all.length > 0 || filter ? <Filter value={filter} onChange={setFilter} error={badSearch} /> : null}
      {error ? (
        <div className="pb-3">
          <ApiErrorBox
            error={error}
            title={data ? words.refreshFailed : words.loadFailed}
            onRetry={() => void refetch()}
          />
        </div>
      ) : null}
      {!data && !error ? <Skeleton className="h-96" /> : null}
      {data?.length === 0 ? <FirstTemplate mayCreate={can.create !== false} /> : null}
      {all.length > 0 && found.length === 0 ? (
        <Empty title={words.noMatchTitle} text={words.noMatchText}>
          <Button className="self-center" onClick={() => setFilter("")}>
            {words.clearFilter}
          </Button>
        </Empty>
      ) : null}
      {found.length > 0 ? <List rows={found} /> : null}
    </div>
  );
}

interface FilterProps {
  value: string;
  onChange: (text: string) => void;
  error: string | undefined;
}

/** Filter writes the URL as it is typed: the list is here already. */
function Filter({ value, onChange, error }: FilterProps) {
  return (
    <search className="relative max-w-xl pb-3 [&_label]:sr-only">
      <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-muted max-sm:top-3" />
      <Field label={words.search} error={error}>
        <Input
          type="search"
          value={value}
          maxLength={1000}
          onChange={(e) => onChange(e.target.value)}
          placeholder={words.placeholder}
          spellCheck={false}
          autoCapitalize="none"
          className="pl-8"
        />
      </Field>
    </search>
  );
}
